/**
 * The relay supervisor against real relay processes: killed, frozen and started again. Five rounds
 * in `npm test`; fifty with ZS_SOAK=1, where the times of mesh.md are asserted as well.
 */
import { afterEach, expect, test } from 'vitest';
import { countOf, IS_SOAK } from '../seed.ts';
import { expectNoGrowth, type Usage, usage } from './growth.ts';
import { RelayWorld } from './relay-world.ts';

const ROUNDS = countOf(50);
const MOVED_MS_MAX = 1_000;
const NOTICED_MS_MAX = 5_000;
const RESERVED_AGAIN_MS_MAX = 2_000;
/** Rounds after which every cache has what it will have. */
const WARM_ROUNDS = 10;

let world: RelayWorld | null = null;
afterEach(async () => {
  await world?.stop();
  world = null;
});

test(`a relay that is killed ${ROUNDS} times never takes the node with it`, async () => {
  world = await RelayWorld.make();
  const { executor } = world;
  const listeners = executor.status().listeners;
  let warm: Usage | null = null;
  const moved: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    await world.rest(round);
    if (round === WARM_ROUNDS) warm = await usage(listeners);
    const times = await world.kill(round);
    moved.push(times.moved);
    again.push(times.reservedAgain);
  }
  await world.rest(ROUNDS);
  expect(executor.status().listeners).toBe(listeners);
  expect(executor.status().relays.map(({ failures }) => failures)).toEqual([0, 0]);
  console.info('moved ms', Math.max(...moved), 'reserved again ms', Math.max(...again));
  if (warm !== null) expectNoGrowth(warm, await usage(executor.status().listeners));
  if (!IS_SOAK) return;
  expect(Math.max(...moved)).toBeLessThan(MOVED_MS_MAX);
  expect(Math.max(...again)).toBeLessThan(RESERVED_AGAIN_MS_MAX);
});

test(`a relay that freezes ${ROUNDS} times is noticed, left and taken again`, async () => {
  const stand = await RelayWorld.make();
  world = stand;
  const { executor } = stand;
  const listeners = executor.status().listeners;
  let warm: Usage | null = null;
  const noticed: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const victim = stand.victim(round);
    await stand.rest(round);
    if (round === WARM_ROUNDS) warm = await usage(listeners);
    victim.freeze();
    noticed.push(await stand.timeUntil('it is noticed', () => !stand.isReserved(victim)));
    await stand.timeUntil('traffic has moved', () => stand.answers());
    victim.thaw();
    again.push(await stand.timeUntil('it is reserved again', () => stand.isReserved(victim)));
  }
  expect(executor.status().listeners).toBe(listeners);
  console.info('noticed ms', Math.max(...noticed), 'reserved again ms', Math.max(...again));
  if (warm !== null) expectNoGrowth(warm, await usage(executor.status().listeners));
  if (!IS_SOAK) return;
  expect(Math.max(...noticed)).toBeLessThan(NOTICED_MS_MAX);
  expect(Math.max(...again)).toBeLessThan(RESERVED_AGAIN_MS_MAX);
});
