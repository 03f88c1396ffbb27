import { afterEach, describe, expect, test } from 'vitest';
import { PROBE_MS, PROBE_TIMEOUT_MS, PROBES_KEPT } from '../limits.ts';
import type { PeerConnection, Wire } from '../ports.ts';
import { PathMemory } from '../relay/path.ts';
import { systemPorts, until } from '../testing/adapters/system.ts';
import { addressOf, TestMesh } from '../testing/nodes.ts';
import { HealthMonitor } from './monitor.ts';
import { Follower } from './score.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

describe('health', () => {
  test('suspects before it condemns, and forgives an answer', () => {
    const follower = new Follower(0);
    follower.answered(10);
    expect(follower.health(0).state).toBe('healthy');
    follower.missed();
    expect(follower.health(0).state).toBe('suspected');
    follower.answered(10);
    expect(follower.health(0).state).toBe('healthy');
    follower.missed();
    follower.missed();
    expect(follower.health(0)).toMatchObject({ state: 'condemned', score: 0 });
  });

  test('is better for the quicker, the steadier and the older', () => {
    const score = (rtt: number, lost: number, age: number): number => {
      const follower = new Follower(0);
      for (let i = 0; i < PROBES_KEPT; i++) {
        if (i < lost * 2 && i % 2 === 0) follower.missed();
        else follower.answered(rtt);
      }
      return follower.health(age).score;
    };
    expect(score(10, 0, 1000)).toBeGreaterThan(score(100, 0, 1000));
    expect(score(10, 0, 1000)).toBeGreaterThan(score(10, 4, 1000));
    expect(score(10, 0, 100_000)).toBeGreaterThan(score(10, 0, 1000));
    for (const one of [score(0, 0, 1e12), score(1e6, 16, 0)]) {
      expect(one).toBeGreaterThanOrEqual(0);
      expect(one).toBeLessThanOrEqual(1);
    }
  });

  test('of a real peer is known a moment after it is met', async () => {
    const [a, b] = [await mesh.node(), await mesh.node({ listen: [] })];
    await b.connect(addressOf(a));
    const health = await until(() => {
      const one = b.health(a.did);
      return one?.rttMs === null ? null : one;
    });
    expect(health).toMatchObject({ state: 'healthy', loss: 0 });
    expect(health.score).toBeGreaterThan(0);
    expect(b.health('did:key:unknown')).toBeNull();
  });
});

describe('the monitor', () => {
  /** A wire with one connection whose probes end as the test says; only what it uses is there. */
  function world(probes: boolean[], probeMs: number) {
    const clock = { at: 0, now: () => clock.at };
    const condemned: string[] = [];
    const connection: PeerConnection = {
      id: 'c1',
      did: 'did:key:peer',
      address: '/ip4/8.8.8.8/tcp/1',
      direction: 'outbound',
      isRelayed: false,
      openedAt: 0,
    };
    const wire: Pick<Wire, 'connections' | 'probe' | 'condemn'> = {
      connections: () => (condemned.length > 0 ? [] : [connection]),
      async probe() {
        clock.at += probeMs;
        return probes.shift() ?? true;
      },
      condemn: (id) => condemned.push(id),
    };
    const ports = { ...systemPorts(), clock };
    const monitor = new HealthMonitor(wire, ports, new Set(), new PathMemory(clock));
    const settle = () => new Promise<void>((resolve) => setImmediate(resolve));
    return { clock, condemned, monitor, settle, connection };
  }

  test('ends a connection that misses two probes in a row, and no other', async () => {
    const { clock, condemned, monitor, settle } = world([false, true, false, false], 100);
    for (let round = 0; round < 4; round++) {
      monitor.round();
      await settle();
      clock.at += PROBE_MS;
    }
    expect(condemned).toEqual(['c1']);
    expect(monitor.status().condemned).toBe(1);
  });

  test('does not take its own standstill for the death of others', async () => {
    const misses = new Array<boolean>(10).fill(false);
    const { clock, condemned, monitor, settle, connection } = world(misses, 3 * PROBE_TIMEOUT_MS);
    for (let round = 0; round < 5; round++) {
      monitor.round();
      await settle();
      clock.at += PROBE_MS;
    }
    expect(condemned).toEqual([]);
    expect(monitor.of(connection.did)?.state).toBe('healthy');
  });
});
