import { PeerChoice, type SearchResult } from '@zerostate/shared';
import { describe, expect, test } from 'vitest';
import { AgentChoice, isExecutorsFault, orderToAsk, queueDepthOf } from './choice.ts';

const learned = () => new PeerChoice({ random: () => 0.5, failureCostMs: 10_000, typicalMs: 500 });

type Change = Partial<Pick<SearchResult, 'score' | 'skills' | 'load'>> & { base?: string };

/** An agent of an executor named `did`, at 1 000 micro-units. */
function result(did: string, { base = '1000', ...change }: Change = {}): SearchResult {
  return {
    did,
    agent: 'sum',
    name: did,
    description: '',
    card_sha256: 'A'.repeat(43),
    skills: ['sum'],
    score: 1,
    parts: { lexical: 1, vector: 1, reputation: 0, price: 0, presence: 0 },
    online: true,
    price: { base, per_mgas: '0', per_page: '0' },
    ...change,
  };
}

function taught(times: Record<string, number>, failing: readonly string[] = []): PeerChoice {
  const choice = learned();
  for (let task = 0; task < 20; task++) {
    for (const [did, ms] of Object.entries(times)) {
      choice.started(did);
      choice.ended(did, { ms, queueDepth: 0, good: !failing.includes(did) });
    }
  }
  return choice;
}

const never = () => false;
const always = () => true;
type HasChannel = Parameters<typeof orderToAsk>[2];
const order = (choice: PeerChoice, results: SearchResult[], hasChannel: HasChannel = always) =>
  orderToAsk(choice, results, hasChannel).map(({ did }) => did);

describe('who is asked', () => {
  test('first of equals is the one that ranks first, while nothing is known', () => {
    expect(order(learned(), [result('a'), result('b')], never)).toEqual(['a', 'b']);
  });

  test('is never one that matches clearly worse, however fast and cheap', () => {
    const choice = taught({ best: 5_000, far: 10 });
    const far = result('far', { score: 0.79, base: '1' });
    expect(order(choice, [result('best'), far])).toEqual(['best']);
  });

  test('is one with all the skills of the best before one that lacks some', () => {
    const choice = taught({ best: 5_000, other: 10 });
    const other = result('other', { score: 0.95, base: '1', skills: ['product'] });
    expect(order(choice, [result('best'), other])).toEqual(['best', 'other']);
  });

  test('is the clearly cheaper one before a faster one', () => {
    const choice = taught({ fast: 10, cheap: 5_000 });
    const fast = result('fast', { base: '1300' });
    expect(order(choice, [fast, result('cheap')])).toEqual(['cheap', 'fast']);
  });

  test('is the faster one where prices are about the same', () => {
    const choice = taught({ fast: 10, cheap: 5_000 });
    const fast = result('fast', { base: '1200' });
    expect(order(choice, [result('cheap'), fast])).toEqual(['fast', 'cheap']);
  });

  test('is not a cheap one that fails: what counts is the price of a good result', () => {
    const choice = taught({ good: 500, bad: 500 }, ['bad']);
    const bad = result('bad', { base: '100' });
    expect(order(choice, [bad, result('good')])).toEqual(['good', 'bad']);
  });

  test('is the one with the shorter queue for each task it runs at a time', () => {
    const busy = result('busy', { load: { queue: 9, running: 1, capacity: 1 } });
    const wide = result('wide', { load: { queue: 9, running: 16, capacity: 16 } });
    expect(order(taught({ busy: 500, wide: 500 }), [busy, wide])).toEqual(['wide', 'busy']);
    expect(queueDepthOf(wide)).toBeCloseTo(25 / 16);
  });

  test('is one with an open channel before one with whom none is open', () => {
    const choice = taught({ open: 300, closed: 250 });
    expect(order(choice, [result('closed'), result('open')], (did) => did === 'open')).toEqual([
      'open',
      'closed',
    ]);
  });

  test('is everybody of three tiers of price, each tier by what was learned', () => {
    const choice = taught({ a: 900, b: 100, c: 10, d: 1 });
    const results = [
      result('a'),
      result('b'),
      result('c', { base: '2000' }),
      result('d', { base: '9000' }),
    ];
    expect(order(choice, results)).toEqual(['b', 'a', 'c', 'd']);
  });

  test('comes to an end with one that is free and always fails', () => {
    const choice = taught({ free: 10 }, ['free']);
    expect(order(choice, [result('free', { base: '0' }), result('paid')])).toHaveLength(2);
  });

  test('is also who costs nothing', () => {
    const free = ['x', 'y'].map((did) => result(did, { base: '0' }));
    expect(order(learned(), [...free, result('z', { base: '1' })], never)).toEqual(['x', 'y', 'z']);
  });
});

test('an attempt that says nothing about its executor teaches nothing', async () => {
  const wallet = { channels: async () => [], tasks: async () => [] };
  const ports = { clock: { now: () => 0 }, rng: { bytes: () => new Uint8Array(4) } };
  const choice = new AgentChoice({ ...ports, wallet });
  const results = [result('a'), result('b')];
  const didsOf = async () => (await choice.order(results)).map(({ did }) => did);
  choice.started('a');
  choice.ended('a', { ms: 9_000, queueDepth: 0, outcome: 'none' });
  expect(await didsOf()).toEqual(['a', 'b']);
  choice.started('a');
  choice.ended('a', { ms: 9_000, queueDepth: 0, outcome: 'fault' });
  expect(await didsOf()).toEqual(['b', 'a']);
});

test.each([
  ['rejected:busy', true],
  ['objected:output-differs', true],
  ['task-not-accepted', true],
  ['receipt-forged', true],
  ['rejected:argument-count', false],
  ['funds-insufficient', false],
  ['edge-unreachable', false],
  ['aborted', false],
  ['budget-too-small', false],
])('%s is the executor’s fault: %s', (code, isFault) => {
  expect(isExecutorsFault(code)).toBe(isFault);
});
