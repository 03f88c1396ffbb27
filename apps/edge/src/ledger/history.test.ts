import fc from 'fast-check';
import { expect, it } from 'vitest';
import { moves, playHistory } from './testing/history.ts';

/** 1 000 histories of 100 operations in soak, a tenth otherwise. */
const RUNS = process.env.ZS_SOAK === '1' ? 1_000 : 100;

it(
  `${RUNS} random histories of 100 operations agree with the model after every operation`,
  async () => {
    const done = await fc.check(fc.asyncProperty(moves, playHistory), { numRuns: RUNS });
    // The message of fast-check holds the seed and the path to replay a failure.
    expect(done.failed, fc.defaultReportMessage(done) ?? '').toBe(false);
  },
  RUNS * 5_000,
);
