import { afterEach, expect, test, vi } from 'vitest';
import { systemClock, systemTimers } from '../adapters/system.ts';
import { TEST_NETWORK } from '../testing/edge.ts';
import { meshExecutor, testNode } from '../testing/mesh-executor.ts';
import { unwrap } from '../testing/parties.ts';
import { MeshCards } from './mesh-cards.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

test('a search with something to show does not wait for a table that says nothing', async () => {
  const executor = await meshExecutor(TEST_NETWORK, 'executor', { now: systemClock.now() });
  stops.push(executor.stop);
  const mesh = await testNode('searcher', TEST_NETWORK, [executor.address]);
  stops.push(() => mesh.stop());
  unwrap(await mesh.connect(executor.address, 10_000));
  unwrap(await mesh.cardAsking.ask(executor.mesh.did));
  vi.spyOn(mesh.cards, 'providers').mockReturnValue(new Promise(() => undefined));
  // Each wait takes a moment and counts as what it was to take.
  let waitedMs = 0;
  const timers = {
    after(ms: number, f: () => void) {
      return systemTimers.after(10, () => {
        waitedMs += ms;
        f();
      });
    },
  };
  const cards = new MeshCards({ mesh, clock: systemClock, timers });
  const found = unwrap(await cards.search({ text: 'hello' }));
  expect(found.results.map(({ agent }) => agent)).toEqual(['hello']);
  expect(waitedMs).toBe(400);
  waitedMs = 0;
  expect(unwrap(await cards.search({ text: 'boil an egg' })).results).toEqual([]);
  expect(waitedMs).toBe(6_000);
});
