import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  EPOCH_MS,
  type EpochEvidence,
  NEUTRAL,
  rawScore,
  SUSPENSION_MS,
  scorePerformance,
} from './performance-v1.ts';

type Task = { ok: boolean; seconds: number; cost: bigint };
const UNIT = 1_000_000n;

/** Ten successes, 30 s down to 21 s, 10.0 down to 5.5 units. */
const improving: Task[] = Array.from({ length: 10 }, (_, i) => ({
  ok: true,
  seconds: 30 - i,
  cost: 10n * UNIT - (BigInt(i) * UNIT) / 2n,
}));
/** Two successes, then eight failures; 60 s, 20 units each. */
const failing: Task[] = Array.from({ length: 10 }, (_, i) => ({
  ok: i < 2,
  seconds: 60,
  cost: 20n * UNIT,
}));

function epochOfTasks(tasks: readonly Task[], epoch = 0): EpochEvidence {
  const succeeded = tasks.filter(({ ok }) => ok);
  return {
    epoch,
    ok: succeeded.length,
    fail: tasks.length - succeeded.length,
    durationMsOk: succeeded.reduce((sum, { seconds }) => sum + 1000 * seconds, 0),
    costMicro: tasks.reduce((sum, { cost }) => sum + cost, 0n),
    lastAt: epoch * EPOCH_MS,
  };
}

function table(tasks: readonly Task[]): string[] {
  return tasks.map((_, i) =>
    scorePerformance([epochOfTasks(tasks.slice(0, i + 1))], 0).score.toFixed(4),
  );
}

describe('the published scenarios', () => {
  test('an improving executor: .500 for tasks 1 to 4, .636 at 5, .647 at 10, not suspended', () => {
    expect(table(improving)).toEqual([
      '0.5000',
      '0.5000',
      '0.5000',
      '0.5000',
      '0.6360',
      '0.6381',
      '0.6403',
      '0.6426',
      '0.6449',
      '0.6473',
    ]);
    expect(scorePerformance([epochOfTasks(improving)], 0)).toMatchObject({
      n: 10,
      suspended: false,
    });
  });

  test('a failing executor: .500 for tasks 1 to 4, .278 and suspended at 5, .178 at 10', () => {
    expect(table(failing)).toEqual([
      '0.5000',
      '0.5000',
      '0.5000',
      '0.5000',
      '0.2785',
      '0.2450',
      '0.2211',
      '0.2032',
      '0.1892',
      '0.1781',
    ]);
    const atFive = scorePerformance([epochOfTasks(failing.slice(0, 5))], 0);
    expect(atFive.score.toFixed(5)).toBe('0.27848');
    expect(atFive).toMatchObject({ suspended: true, suspendedUntil: SUSPENSION_MS });
    expect(scorePerformance([epochOfTasks(failing.slice(0, 4))], 0).suspended).toBe(false);
  });

  test('bad days after a good one: .647 .506 .408 .339 .291, suspended on the fourth', () => {
    const days = [0, 1, 2, 3, 4].map((day) => epochOfTasks(day === 0 ? improving : failing, day));
    const published = [0.647, 0.506, 0.408, 0.339, 0.291];
    for (const [day, figure] of published.entries()) {
      const shown = scorePerformance(days.slice(0, day + 1), day * EPOCH_MS);
      // The figures leave longevity out, which adds at most .1 tanh(day / 30).
      expect(shown.score).toBeGreaterThan(figure - 0.001);
      expect(shown.score).toBeLessThan(figure + 0.001 + 0.1 * Math.tanh(day / 30));
      expect(shown.suspended).toBe(day === 4);
    }
  });
});

describe('a score', () => {
  test('is the sum of both published forms, for any evidence', () => {
    const counts = fc.record({
      ok: fc.nat(50),
      fail: fc.nat(50),
      durationMsOk: fc.integer({ min: 1, max: 10_000_000 }),
      cost: fc.bigInt({ min: 1n, max: 10n ** 12n }),
      age: fc.nat(400),
    });
    fc.assert(
      fc.property(counts, ({ ok, fail, durationMsOk, cost, age }) => {
        fc.pre(ok + fail > 0);
        const sigma = (x: number) => 1 / (1 + Math.exp(-2 * (x - 1)));
        const success = ok / (ok + fail);
        const speed = sigma(ok === 0 ? 0 : (30_000 * ok) / durationMsOk);
        const price = sigma(ok === 0 ? 0 : (1_000_000 * ok) / Number(cost));
        const classic = 0.5 * success + 0.2 * speed + 0.2 * price + 0.1 * Math.tanh(age / 30);
        const evidence = { epoch: 0, ok, fail, durationMsOk, costMicro: cost, lastAt: 0 };
        expect(rawScore(evidence, age)).toBeCloseTo(classic, 12);
      }),
    );
  });

  test('stays between 0 and 1, without success and without cost too', () => {
    const evidence = fc.record({
      ok: fc.nat(20),
      fail: fc.nat(20),
      durationMsOk: fc.nat(10 ** 7),
      costMicro: fc.bigInt({ min: 0n, max: 10n ** 12n }),
    });
    fc.assert(
      fc.property(fc.array(evidence, { maxLength: 6 }), fc.nat(10 ** 10), (epochs, idle) => {
        const days = epochs.map((day, epoch) => ({ ...day, epoch, lastAt: epoch * EPOCH_MS }));
        const { score } = scorePerformance(days, epochs.length * EPOCH_MS + idle);
        expect(score >= 0 && score <= 1).toBe(true);
      }),
    );
  });

  test('half-way to neutral after seven idle days, from either side, and never beyond', () => {
    for (const tasks of [improving, failing]) {
      const evidence = [epochOfTasks(tasks)];
      const fresh = scorePerformance(evidence, 0).score;
      const week = scorePerformance(evidence, 7 * EPOCH_MS).score;
      expect(week - NEUTRAL).toBeCloseTo((fresh - NEUTRAL) / 2, 12);
      // A clock behind the evidence is no idleness.
      expect(scorePerformance(evidence, -EPOCH_MS).score).toBe(fresh);
    }
  });

  test('a suspension ends after a day, and new failures renew it', () => {
    const evidence = [epochOfTasks(failing)];
    expect(scorePerformance(evidence, SUSPENSION_MS - 1).suspended).toBe(true);
    expect(scorePerformance(evidence, SUSPENSION_MS).suspended).toBe(false);
    const again = [...evidence, epochOfTasks(failing, 2)];
    expect(scorePerformance(again, 2 * EPOCH_MS).suspended).toBe(true);
  });

  test('an epoch without tasks changes nothing, a light one weighs less than a full one', () => {
    const first = epochOfTasks(improving);
    const idle = { ...epochOfTasks([], 1), lastAt: 0 };
    expect(scorePerformance([first, idle], 0)).toEqual(scorePerformance([first], 0));
    const light = scorePerformance([first, epochOfTasks(failing.slice(5, 6), 1)], EPOCH_MS).score;
    const full = scorePerformance([first, epochOfTasks(failing.slice(5), 1)], EPOCH_MS).score;
    expect(light).toBeGreaterThan(full);
  });

  test('epochs out of order are a bug', () => {
    const evidence = [epochOfTasks(improving, 2), epochOfTasks(improving, 1)];
    expect(() => scorePerformance(evidence, 0)).toThrow(RangeError);
  });
});
