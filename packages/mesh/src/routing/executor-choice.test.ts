import { expect, test } from 'vitest';
import { ExecutorChoice } from './executor-choice.ts';

/** A fixed sequence in [0, 1), so that a draw can be repeated. */
function sequence(): () => number {
  let state = 7;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function learned(times: Record<string, number>): ExecutorChoice {
  const choice = new ExecutorChoice({ random: sequence(), failureCostMs: 1_000 });
  for (let task = 0; task < 30; task++) {
    for (const [did, ms] of Object.entries(times)) {
      choice.started(did);
      choice.ended(did, { ms, queueDepth: 0, good: true });
    }
  }
  return choice;
}

const idle = (did: string): { did: string; queueDepth: number } => ({ did, queueDepth: 0 });

test('nobody is chosen of nobody', () => {
  expect(learned({}).choose([])).toBeUndefined();
});

test('the faster of two idle executors gets the task', () => {
  expect(learned({ slow: 400, fast: 100 }).choose([idle('slow'), idle('fast')])).toBe('fast');
});

test('a fast executor with a long queue loses to a slower idle one', () => {
  const choice = learned({ slow: 200, fast: 100 });
  expect(choice.choose([idle('slow'), { did: 'fast', queueDepth: 9 }])).toBe('slow');
});

test('tasks handed over since the last advertisement count as queue', () => {
  const choice = learned({ slow: 150, fast: 100 });
  choice.started('fast');
  choice.started('fast');
  expect(choice.choose([idle('slow'), idle('fast')])).toBe('slow');
});

test('an executor that fails loses its tasks however fast it fails', () => {
  const choice = learned({ good: 200, bad: 100 });
  for (let task = 0; task < 5; task++) {
    choice.started('bad');
    choice.ended('bad', { ms: 1, queueDepth: 0, good: false });
  }
  expect(choice.choose([idle('good'), idle('bad')])).toBe('good');
});

test('an executor that nobody has tried is tried', () => {
  expect(learned({ known: 100 }).choose([idle('known'), idle('new')])).toBe('new');
});

test('many callers with the same old list do not all take the same executor', () => {
  const candidates = Array.from({ length: 20 }, (_, at) => idle(`${at}`));
  const random = sequence();
  const chosen = Array.from({ length: 100 }, () =>
    new ExecutorChoice({ random, failureCostMs: 1_000 }).choose(candidates),
  );
  expect(new Set(chosen).size).toBeGreaterThan(10);
});

test('explain puts first what choose would take of a few', () => {
  const choice = learned({ a: 100, b: 300, c: 200 });
  const candidates = [idle('a'), idle('b'), idle('c')];
  expect(choice.explain(candidates)[0]?.did).toBe(choice.choose(candidates));
});
