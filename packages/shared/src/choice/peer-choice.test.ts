import { expect, test } from 'vitest';
import { PeerChoice } from './peer-choice.ts';

/** A fixed sequence in [0, 1), so that a draw can be repeated. */
function sequence(): () => number {
  let state = 7;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}

function learned(times: Record<string, number>): PeerChoice {
  const choice = new PeerChoice({ random: sequence(), failureCostMs: 1_000 });
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
    new PeerChoice({ random, failureCostMs: 1_000 }).choose(candidates),
  );
  expect(new Set(chosen).size).toBeGreaterThan(10);
});

test('explain puts first what choose would take of a few', () => {
  const choice = learned({ a: 100, b: 300, c: 200 });
  const candidates = [idle('a'), idle('b'), idle('c')];
  expect(choice.explain(candidates)[0]?.did).toBe(choice.choose(candidates));
});

test('work that came to nothing for the caller’s own reasons is no failure and no queue', () => {
  const choice = learned({ a: 100, b: 101 });
  const before = choice.explain([idle('a')]);
  choice.started('a');
  choice.dropped('a');
  expect(choice.explain([idle('a')])).toEqual(before);
});

test('what asking costs first counts: a channel that is open wins over one to be opened', () => {
  const choice = learned({ open: 110, closed: 100 });
  const closed = { ...idle('closed'), extraMs: 500 };
  expect(choice.choose([closed, idle('open')])).toBe('open');
});

test('failures are forgiven with time, so that who is well again is asked again', () => {
  let now = 0;
  const forgive = { halfLifeMs: 60_000, now: () => now };
  const choice = new PeerChoice({ random: sequence(), failureCostMs: 10_000, forgive });
  choice.ended('good', { ms: 200, queueDepth: 0, good: true });
  choice.ended('ill', { ms: 100, queueDepth: 0, good: true });
  // How long it was silent is no measure of how it works.
  choice.ended('ill', { ms: 60_000, queueDepth: 0, good: false });
  expect(choice.rank([idle('ill'), idle('good')])).toEqual(['good', 'ill']);
  now += 20 * 60_000;
  expect(choice.rank([idle('ill'), idle('good')])).toEqual(['ill', 'good']);
});

test('what was learned elsewhere is taken up', () => {
  const choice = new PeerChoice({ random: sequence(), failureCostMs: 1_000 });
  const record = { tasks: 30, served: 30, failureRate: 0, at: 0 };
  choice.recall('slow', { ...record, serviceMs: 400 }, 0);
  choice.recall('fast', { ...record, serviceMs: 100 }, 0);
  expect(choice.choose([idle('slow'), idle('fast')])).toBe('fast');
  choice.recall('fast', { ...record, serviceMs: 100 }, 9);
  expect(choice.choose([idle('slow'), idle('fast')])).toBe('slow');
});
