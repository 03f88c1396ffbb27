/**
 * Wallets and ledger survive faults together (reliability.md 2). `ZS_SEED=n` plays one seed alone.
 */
import { expect, test } from 'vitest';
import { IS_SOAK } from '../seed.ts';
import { tell } from './story.ts';

const SEEDS = IS_SOAK ? 200 : 20;
/** Of the storm; starting and healing add to them. */
const EVENTS = IS_SOAK ? 2_000 : 200;
const FILE = 'test/simulation/simulation.test.ts';

const only = process.env.ZS_SEED;
const seeds = only === undefined ? Array.from({ length: SEEDS }, (_, i) => i + 1) : [Number(only)];

test('the same seed tells the same story, to the last message', async () => {
  const seed = seeds[0] ?? 1;
  const [first, second] = [await tell(seed, EVENTS), await tell(seed, EVENTS)];
  expect(second).toEqual(first);
}, 1_800_000);

test(`${seeds.length} seeds of ${EVENTS} events: every job is settled or refunded`, async () => {
  const failures: string[] = [];
  const tasks: Record<string, number> = {};
  let events = 0;
  let deaths = 0;
  for (const seed of seeds) {
    try {
      const told = await tell(seed, EVENTS);
      events += told.events;
      deaths += told.deaths;
      for (const [state, n] of Object.entries(told.tasks)) tasks[state] = (tasks[state] ?? 0) + n;
    } catch (error) {
      failures.push(`${String(error)}\nreplay: ZS_SEED=${seed} npx vitest run ${FILE}`);
    }
  }
  console.log(
    `seeds ${seeds[0]} to ${seeds.at(-1)}, replay one: ZS_SEED=n npx vitest run ${FILE}; ` +
      `${events} events, ${deaths} deaths, tasks`,
    tasks,
  );
  expect(failures).toEqual([]);
}, 3_600_000);
