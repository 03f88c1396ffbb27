import { createVerifier } from '@zerostate/shared';
import { afterEach, expect, test, vi } from 'vitest';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { startEdge, TEST_NETWORK } from '../testing/edge.ts';
import { addressOf, meshExecutor, testNode } from '../testing/mesh-executor.ts';
import { Gateways } from './gateways.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

test('a gateway that failed once is used again a second later, and one that keeps failing less often', async () => {
  const edge = await startEdge([]);
  stops.push(edge.stop);
  const gateway = { origin: edge.url, fetch };
  const node = await meshExecutor(TEST_NETWORK, 'gateway', { now: Date.now(), gateway });
  stops.push(node.stop);
  const mesh = await testNode('caller', TEST_NETWORK, [addressOf(node.mesh)]);
  stops.push(() => mesh.stop());
  await mesh.connect(node.mesh.did, 10_000);

  let now = systemClock.now();
  const ports = { clock: { now: () => now }, rng: systemRng, timers: systemTimers };
  const options = { mesh, network: TEST_NETWORK, verifier: createVerifier(), ...ports };
  const gateways = new Gateways(options);
  const ask = async () => gateways.fetch(`${await gateways.locate()}/v1/network`, { headers: {} });
  await expect(ask()).resolves.toMatchObject({ status: 200 });

  const open = vi.spyOn(mesh.wire, 'open');
  open.mockResolvedValue({ ok: false, code: 'peer-unreachable' });
  await expect(ask()).rejects.toThrow();
  open.mockRestore();
  await expect(ask()).rejects.toThrow('leads to the ledger');
  now += 1_000;
  await expect(ask()).resolves.toMatchObject({ status: 200 });

  const again = vi.spyOn(mesh.wire, 'open');
  again.mockResolvedValue({ ok: false, code: 'peer-unreachable' });
  for (const pause of [0, 1_000, 2_000, 4_000]) {
    now += pause;
    await expect(ask()).rejects.toThrow();
  }
  // The node opens streams of its own as well, whenever they are due.
  const asked = () => again.mock.calls.filter(([, protocol]) => protocol.includes('/gateway/'));
  const before = asked().length;
  expect(before).toBeGreaterThan(0);
  now += 4_000;
  await expect(ask()).rejects.toThrow('leads to the ledger');
  expect(asked()).toHaveLength(before);
});
