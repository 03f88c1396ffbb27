/**
 * A dishonest peer takes at most one unpaid increment (reliability.md 5), beyond the small worlds
 * that are searched in full: random walks through worlds of more tasks, lanes and money, in which
 * one party may sign and send anything at any moment. An honest one loses nothing in any of them.
 */
import { describe, expect, test } from 'vitest';
import { faultOf } from '../../packages/shared/src/channels/exploration/judge.ts';
import { movesOf } from '../../packages/shared/src/channels/exploration/moves.ts';
import { MUTANTS } from '../../packages/shared/src/channels/exploration/mutants.ts';
import {
  SETTING,
  type Setting,
  startOf,
} from '../../packages/shared/src/channels/exploration/world.ts';
import { countOf, IS_SOAK, randomOf, seedFor } from '../seed.ts';

const RUNS = countOf(10_000);
const STEPS_MAX = 200;
const FILE = 'test/simulation/adversary.test.ts';

/** Until the channel is closed: the first fault with the moves that led to it. */
function walk(setting: Setting, random: () => number): { fault: string; path: string[] } | null {
  let world = startOf(setting);
  const path: string[] = [];
  for (let step = 0; step < STEPS_MAX; step++) {
    const fault = faultOf(world, setting);
    if (fault !== null) return { fault, path };
    if (world.channel.phase === 'closed') return null;
    // Each kind of move has the same chance, however many ways it can be made in.
    const kinds = Map.groupBy(movesOf(world, setting), ([label]) => label.split(' ')[0] ?? '');
    const kind = pick([...kinds.values()], random);
    const [label, next] = kind === undefined ? [] : (pick(kind, random) ?? []);
    if (label === undefined || next === undefined) {
      return { fault: 'nothing can happen any more', path };
    }
    path.push(label);
    world = next;
  }
  return { fault: `not closed after ${STEPS_MAX} moves`, path };
}

function pick<T>(list: readonly T[], random: () => number): T | undefined {
  return list[Math.floor(random() * list.length)];
}

function settingOf(dishonest: Setting['dishonest'], random: () => number): Setting {
  const from = (least: number, most: number) => least + Math.floor(random() * (most - least + 1));
  const windowTicks = from(2, 3);
  const tasks = from(2, 3);
  return {
    ...SETTING,
    dishonest,
    tasks,
    // An honest payer takes a lane for each task that is open: all of them are looked at.
    lanes: tasks,
    fund: BigInt(from(2, 5)),
    windowTicks,
    expiryTicks: windowTicks + from(1, 3),
    topup: random() < 0.5,
    wrongVerdicts: random() < 0.3,
  };
}

test.for(['nobody', 'payer', 'payee'] as const)(
  `with %s dishonest, ${RUNS} random runs take nothing from the honest`,
  { timeout: 1_800_000 },
  (dishonest) => {
    const random = randomOf(seedFor(FILE));
    for (let run = 0; run < RUNS; run++) {
      const setting = settingOf(dishonest, random);
      expect([run, setting, walk(setting, random)]).toEqual([run, setting, null]);
    }
  },
);

/** What chance does not find in a moment, the exhaustive search of `explore.test.ts` finds. */
const NEEDS_A_SEARCH = ['a voucher over the escrow pays nothing'];
const found = MUTANTS.filter(({ name, soakOnly }) => !soakOnly && !NEEDS_A_SEARCH.includes(name));

describe('random runs find what goes wrong when', () => {
  test.for(IS_SOAK ? found : found.slice(0, 4))('$name', { timeout: 600_000 }, (mutant) => {
    const random = randomOf(seedFor(FILE));
    for (let run = 0; run < 100_000; run++) {
      if (walk(mutant.setting, random) !== null) return;
    }
    expect.unreachable('no run found it');
  });
});
