/** Seeds of random tests: printed each time, so that whatever was seen can be seen again. */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { expect } from 'vitest';

/** Whether the counts of reliability.md are run in full. */
export const IS_SOAK = process.env.ZS_SOAK === '1';

/** The count of a promise in soak, a tenth of it otherwise. */
export function countOf(full: number): number {
  return IS_SOAK ? full : Math.ceil(full / 10);
}

/**
 * The seed of `ZS_SEED`; without one `npm test` always draws the same, so that a commit passes or
 * fails for good, and the soak a new one each time.
 */
export function seedOf(environment: NodeJS.ProcessEnv): number {
  const seed = Number(environment.ZS_SEED ?? (environment.ZS_SOAK ? randomInt(2 ** 31) : 1));
  if (!Number.isSafeInteger(seed)) throw new RangeError('ZS_SEED is not a whole number');
  return seed;
}

/** The seed of this run; says how to run `file` with it again. */
export function seedFor(file: string): number {
  const seed = seedOf(process.env);
  const soak = IS_SOAK ? 'ZS_SOAK=1 ' : '';
  console.log(`seed ${seed}, replay: ${soak}ZS_SEED=${seed} npx vitest run ${file}`);
  return seed;
}

/** Checks a property with a seed that is printed, and reports the smallest failure. */
export async function holds<T>(
  file: string,
  numRuns: number,
  property: fc.IAsyncProperty<[T]>,
): Promise<void> {
  const done = await fc.check(property, { numRuns, seed: seedFor(file) });
  expect(done.failed, fc.defaultReportMessage(done) ?? '').toBe(false);
}

/** Numbers in [0, 1) that a seed decides: mulberry32. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
