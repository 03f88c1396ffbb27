/** A client at a test edge whose waits pass at once, for the tests of its jobs. */
import { afterEach } from 'vitest';
import { type Client, connect } from '../client/connect.ts';
import { createMemoryStore } from '../wallet/memory-store.ts';
import type { WalletStore } from '../wallet/store.ts';
import { startEdge, TEST_NETWORK, type TestEdge } from './edge.ts';
import { type Behaviour, testExecutor } from './executor.ts';
import { countingRng, handClock, START, signerOf, unwrap } from './parties.ts';

export const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop();
});

export const caller = await signerOf('caller');
export const clock = handClock(START + 1_000);

/** Pauses and waits pass at once and move the clock, except the long timers of attempts. */
export const timers = {
  after(ms: number, f: () => void) {
    if (ms >= 15_000) return () => undefined;
    clock.advance(ms);
    queueMicrotask(f);
    return () => undefined;
  },
};

export async function edgeWith(...behaviours: Behaviour[]): Promise<TestEdge> {
  const executors = await Promise.all(
    behaviours.map(async (behaviour, i) =>
      testExecutor(TEST_NETWORK, await signerOf(`executor ${i}`), { behaviour }),
    ),
  );
  const edge = await startEdge(executors);
  stops.push(edge.stop);
  return edge;
}

export async function clientOf(
  edge: TestEdge,
  store: WalletStore = createMemoryStore(),
): Promise<Client> {
  const rng = countingRng(`client ${stops.length}`);
  const client = unwrap(await connect(edge.url, caller, { store, clock, rng, timers }));
  stops.push(client.close);
  return client;
}

export const hello = { query: 'say hello', budget: 1_000_000n, verify: 'always' } as const;
