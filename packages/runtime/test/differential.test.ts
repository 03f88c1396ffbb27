import { expect, test } from 'vitest';
import { differ } from './differential.ts';

const SOAK = process.env.ZS_SOAK !== undefined;
const PROGRAMS = SOAK ? 10_000 : 400;
/** The soak draws new ones; replay one with ZS_SEED=n. */
const DRAWN = SOAK ? 1 + Math.floor(performance.timeOrigin % 1e9) : 1;
const FIRST = Number(process.env.ZS_SEED ?? DRAWN);

test('raw, fast and exact runs of random programs agree in result, memory and gas', () => {
  const count = process.env.ZS_SEED === undefined ? PROGRAMS : 1;
  console.log(`seeds ${FIRST} to ${FIRST + count - 1}; replay one with ZS_SEED=n`);
  for (let seed = FIRST; seed < FIRST + count; seed++) {
    expect(differ(seed), `seed ${seed}`).toBeUndefined();
  }
});
