/**
 * Every order of every move in small worlds: a peer that may sign anything, lost and late
 * messages, several lanes, top-up, closing, expiry and wrong verdicts, on the real lifecycle and
 * the real wallet rules (money.md 7). Soak (ZS_SOAK=1) searches the larger worlds.
 */
import { describe, expect, test } from 'vitest';
import { faultOf } from './judge.ts';
import { movesOf } from './moves.ts';
import { MUTANTS } from './mutants.ts';
import { type SearchOptions, type SearchReport, search } from './search.ts';
import { keyOf, SETTING, type Setting, startOf, type World } from './world.ts';

const SOAK = process.env.ZS_SOAK === '1';
const TIMEOUT_MS = SOAK ? 1_800_000 : 300_000;
const ROLES = ['nobody', 'payer', 'payee'] as const;

function explore(setting: Setting, options?: SearchOptions): SearchReport {
  const space = {
    keyOf,
    moves: (world: World) => movesOf(world, setting),
    faultOf: (world: World) => faultOf(world, setting),
    isEnd: (world: World) => world.channel.phase === 'closed',
  };
  return search(startOf(setting), space, options);
}

/** Larger than these worlds are only their times: each rule can matter in them. */
const WORLDS: readonly (readonly [name: string, size: Partial<Setting>, soakOnly: boolean])[] = [
  [
    'two tasks in a row',
    { lanes: 1, topup: false, windowTicks: 2, expiryTicks: 3, fund: 2n },
    false,
  ],
  ['a top-up', { tasks: 1, lanes: 1, windowTicks: 2, expiryTicks: 3, fund: 2n }, false],
  [
    'wrong verdicts',
    {
      tasks: 1,
      lanes: 1,
      topup: false,
      windowTicks: 2,
      expiryTicks: 3,
      fund: 2n,
      wrongVerdicts: true,
    },
    false,
  ],
  ['two tasks on two lanes', { topup: false, windowTicks: 2, expiryTicks: 3 }, true],
  ['a long window and a top-up', { tasks: 1, lanes: 1, expiryTicks: 4 }, true],
  [
    'two wrong verdicts',
    { lanes: 1, topup: false, windowTicks: 2, expiryTicks: 3, wrongVerdicts: true },
    true,
  ],
];

describe.for(WORLDS.filter(([, , soakOnly]) => SOAK || !soakOnly))('%s', ([, size]) => {
  test.for(ROLES)(
    'with %s dishonest: the honest lose nothing, and every path ends',
    { timeout: TIMEOUT_MS },
    (dishonest) => {
      const report = explore({ ...SETTING, ...size, dishonest });
      expect(report.findings).toEqual([]);
      expect(report).toMatchObject({ complete: true, violations: 0 });
      expect(report.states).toBeGreaterThan(1_000);
      if (SOAK) console.log(`${report.states} states`);
    },
  );
});

describe('the search finds what goes wrong when', () => {
  const mutants = MUTANTS.filter(({ soakOnly }) => SOAK || !soakOnly);
  test.for(mutants)('$name', { timeout: TIMEOUT_MS }, ({ setting }) => {
    const report = explore(setting, { stopAtFirst: true });
    expect(report.violations).toBe(1);
    // The path is a replay: what happened, in order, until an honest party had lost.
    expect(report.findings[0]?.path.length).toBeGreaterThan(0);
  });
});
