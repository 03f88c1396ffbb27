import { once } from 'node:events';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeFrame, FrameReader } from '../frames.ts';
import type { Mesh } from '../node.ts';
import { systemPorts, until } from '../testing/adapters/system.ts';
import { addressOf, TestMesh } from '../testing/nodes.ts';
import { DEFAULT_RELAY_POLICY, RelayAccounting, type RelayPolicy } from './accounting.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

const ECHO = '/test/echo/1';
const never = new AbortController().signal;

async function echoing(node: Mesh): Promise<void> {
  await node.wire.handle(ECHO, 8, async (stream) => {
    for (;;) {
      const bytes = await stream.read(never);
      if (!bytes.ok || bytes.value === null) break;
      await stream.write(bytes.value, never);
    }
    await stream.end(never);
  });
}

/** Sends so many bytes through an echo; how many came back. */
async function echoed(node: Mesh, to: string, size: number): Promise<number> {
  const opened = await node.wire.open(to, ECHO, never);
  if (!opened.ok) return 0;
  const stream = opened.value;
  const writing = (async () => {
    for (let sent = 0; sent < size; sent += 16_384) {
      const written = await stream.write(new Uint8Array(Math.min(16_384, size - sent)), never);
      if (!written.ok) return;
    }
    await stream.end(never);
  })();
  let back = 0;
  for (;;) {
    const bytes = await stream.read(never);
    if (!bytes.ok || bytes.value === null) break;
    back += bytes.value.length;
  }
  await writing;
  return back;
}

async function hidden(relays: readonly Mesh[]): Promise<Mesh> {
  const node = await mesh.node({ listen: [], relays: relays.map((relay) => addressOf(relay)) });
  await until(() => node.status().relays.every(({ state }) => state === 'reserved'));
  return node;
}

describe('a node that nobody can dial', () => {
  test('is reached through each of its relays, and the relays know what they carried', async () => {
    const relays = [await mesh.relay(), await mesh.relay()];
    const executor = await hidden(relays);
    await echoing(executor);
    const addresses = await until(() => {
      const found = executor.addresses().filter((one) => one.includes('/p2p-circuit/'));
      return relays.every(({ did }) => did !== '') && found.length >= 2 ? found : null;
    });
    for (const [i, relay] of relays.entries()) {
      const caller = await mesh.node({ listen: [] });
      const through = addresses.find((one) => one.startsWith(addressOf(relay)));
      expect(await caller.connect(through ?? '')).toEqual({ ok: true, value: executor.did });
      expect(await echoed(caller, executor.did, 1_000_000)).toBe(1_000_000);
      const { relay: told } = relays[i]?.status() ?? {};
      expect(told).toMatchObject({ reservations: 1, circuits: 1 });
      const account = told?.top.find(({ did }) => did === caller.did);
      expect(account?.bytes).toBeGreaterThan(2_000_000);
    }
  });

  test('is reached past a relay that takes connections and says nothing', async () => {
    // It waits for less than an address may cost: the call that meets the silence fails.
    const hasty = new AbortController();
    let silences = 0;
    const silent = createServer(() => {
      silences += 1;
      hasty.abort();
    });
    // Addresses are tried in the order of their text: before those of ports that systems hand out.
    const port = 20_000 + (process.pid % 1_000);
    silent.listen(port, '127.0.0.1');
    await once(silent, 'listening');
    try {
      const relay = await mesh.relay();
      const executor = await hidden([relay]);
      await echoing(executor);
      const through = await until(() =>
        executor.addresses().find((one) => one.includes('circuit')),
      );
      const dead = `/ip4/127.0.0.1/tcp/${port}/p2p/12D3KooWDN7K2vo9rDBdpWGjDwMsQJaWvSqJxKZKg5ywyS42P8aq`;
      const stale = `${dead}${through.slice(through.indexOf('/p2p-circuit'))}`;
      const caller = await mesh.node({ listen: [] });
      await caller.wire.learn(executor.did, [through, stale]);
      const first = await caller.wire.open(executor.did, ECHO, hasty.signal);
      expect(first).toMatchObject({ ok: false, code: 'deadline' });
      // It is the last to fail: the next one goes past the silence at once.
      expect(await caller.wire.open(executor.did, ECHO, never)).toMatchObject({ ok: true });
      expect(silences).toBe(1);
    } finally {
      silent.close();
    }
  });

  test('keeps one listener a relay, however often the relay refuses', async () => {
    const full = await mesh.relay({}, { relay: { ...DEFAULT_RELAY_POLICY, reservationsMax: 0 } });
    const node = await mesh.node({ listen: [], relays: [addressOf(full)] });
    await until(() => {
      const { failures = 0, problem = null } = node.status().relays[0] ?? {};
      return failures >= 3 && problem?.code === 'relay-refused';
    });
    expect(node.status().listeners).toBe(1);
  });
});

describe('a relay', () => {
  const policy = (change: Partial<RelayPolicy>): { relay: RelayPolicy } => ({
    relay: { ...DEFAULT_RELAY_POLICY, ...change },
  });

  test('cuts off what goes over the byte budget of a DID, and lets others go on', async () => {
    const quota = { bytesPerHour: 300_000, circuits: 4 };
    const seed = mesh.seed();
    const greedy = await mesh.node({ listen: [] }, { seed });
    const relay = await mesh.relay({}, policy({ quotas: new Map([[greedy.did, quota]]) }));
    const executor = await hidden([relay]);
    await echoing(executor);
    const through = await until(() => executor.addresses().find((one) => one.includes('circuit')));
    await greedy.connect(through);
    expect(await echoed(greedy, executor.did, 1_000_000)).toBeLessThan(300_000);
    await until(() => !greedy.wire.isConnected(executor.did));
    expect((await greedy.connect(through)).ok).toBe(false);
    const modest = await mesh.node({ listen: [] });
    await modest.connect(through);
    expect(await echoed(modest, executor.did, 1_000_000)).toBe(1_000_000);
    expect(relay.status().relay?.refused['bytes-over-quota']).toBeGreaterThan(0);
  });

  test('takes back the place of a node that has gone', async () => {
    const relay = await mesh.relay({}, policy({ reservationsMax: 1 }));
    const first = await hidden([relay]);
    const second = await mesh.node({ listen: [], relays: [addressOf(relay)] });
    await until(() => second.status().relays[0]?.problem?.code === 'relay-refused');
    expect(relay.status().relay?.reservations).toBe(1);
    await first.stop();
    await until(() => second.status().relays[0]?.state === 'reserved');
    expect(relay.status().relay?.reservations).toBe(1);
  });

  test('gives no reservation to a DID that its operator denies', async () => {
    const seed = mesh.seed();
    const probe = await mesh.node({ listen: [] }, { seed });
    const relay = await mesh.relay({}, policy({ denied: new Set([probe.did]) }));
    await probe.stop();
    const denied = await mesh.node({ listen: [], relays: [addressOf(relay)] }, { seed });
    await until(() => denied.status().relays[0]?.problem?.code === 'relay-refused');
    expect(relay.status().relay?.reservations).toBe(0);
    expect(relay.status().relay?.refused['reservation-denied']).toBeGreaterThan(0);
  });

  test('counts circuits down as they end, and holds each DID to its number', () => {
    const { clock } = systemPorts();
    const quota = { bytesPerHour: 1000, circuits: 2 };
    const accounting = new RelayAccounting({ ...DEFAULT_RELAY_POLICY, quota }, clock);
    for (const to of ['b', 'c']) {
      expect(accounting.mayOpen('a', to)).toBe(true);
      accounting.opened('a', to);
    }
    expect(accounting.mayOpen('a', 'd')).toBe(false);
    accounting.closed('a', 'b');
    expect(accounting.mayOpen('a', 'd')).toBe(true);
    expect(accounting.totals()).toMatchObject({
      circuits: 1,
      refused: { 'circuits-over-quota': 1 },
    });
  });
});

test('a frame that promises more than the limit is refused before it is read', async () => {
  const [a, b] = [await mesh.node(), await mesh.node()];
  const seen = new Promise<unknown>((resolve) => {
    void a.wire.handle('/test/frame/1', 1, async (stream) => {
      resolve(await new FrameReader(stream).frame(10, never));
    });
  });
  await b.connect(addressOf(a));
  const opened = await b.wire.open(a.did, '/test/frame/1', never);
  if (!opened.ok) throw new Error(opened.code);
  await opened.value.write(encodeFrame(new Uint8Array(11)).subarray(0, 4), never);
  expect(await seen).toMatchObject({ ok: false, code: 'frame-too-large' });
});
