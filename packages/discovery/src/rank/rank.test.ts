import fc from 'fast-check';
import { expect, test } from 'vitest';
import { card } from '../card-fixture.ts';
import { CardIndex } from '../card-index.ts';
import { quantise } from '../embed/embedder.ts';
import { embedNgrams, ngramHash384 } from '../embed/ngram-hash.ts';
import { hashBytes } from '../index/dictionary.ts';
import { type CardDocument, cardText, referencePrice } from '../index/document.ts';
import { termsOf } from '../lexical/analyzer.ts';
import { CARD_TEXT_MAX, POOL_DEPTH } from '../limits.ts';
import type { Signal } from '../query.ts';
import { direction } from '../vector/compliance.ts';
import { cosineOf } from '../vector/cosine.ts';

const WORDS = 'render markdown html image resize solve puzzle hash sort table invoice map'.split(
  ' ',
);
const NOW = 5;

const meaningOf = (text: string) => {
  const sum = new Int32Array(128);
  for (const word of text.split(' ')) {
    direction(word.length, 128).forEach((value, i) => {
      sum[i] = (sum[i] ?? 0) + value;
    });
  }
  return quantise(sum);
};
const meaning = {
  id: 'lengths-128',
  dims: 128,
  embed: async (texts: readonly string[]) => texts.map(meaningOf),
};

const dot = (a: Int8Array, b: Int8Array) =>
  a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
const cosine = (a: Int8Array, b: Int8Array) => cosineOf(dot(a, b), dot(a, a), dot(b, b));

interface Scored {
  readonly agent: string;
  readonly tie: number;
  readonly bm25: number;
  readonly vector: number;
  readonly semantic: number;
  readonly price: number;
  readonly signal: Signal;
}

/** Okapi BM25 as the formula is written, over all live cards. */
function bm25Of(cards: readonly CardDocument[], query: string): number[] {
  const texts = cards.map((one) => termsOf(cardText(one), CARD_TEXT_MAX));
  const average = texts.reduce((total, { length }) => total + length, 0) / texts.length;
  const terms = [...new Set(termsOf(query, CARD_TEXT_MAX))];
  const idfs = terms.map((term) => {
    const frequency = texts.filter((text) => text.includes(term)).length;
    return Math.log(1 + (texts.length - frequency + 0.5) / (frequency + 0.5));
  });
  return texts.map((text) =>
    terms.reduce((score, term, i) => {
      const tf = text.filter((other) => other === term).length;
      return (
        score + ((idfs[i] ?? 0) * tf * 2.2) / (tf + 1.2 * (0.25 + (0.75 * text.length) / average))
      );
    }, 0),
  );
}

const best = (cards: readonly Scored[], side: (one: Scored) => number) =>
  [...cards].sort((a, b) => side(b) - side(a) || a.tie - b.tie).slice(0, POOL_DEPTH);

/** The ranking as the design states it, with a list and a sort for everything. */
function plainRanking(
  all: readonly Scored[],
  withMeaning: boolean,
): { agent: string; score: number }[] {
  const worded = best(
    all.filter(({ bm25 }) => bm25 > 0),
    ({ bm25 }) => bm25,
  );
  const near = best(all, ({ vector }) => vector);
  const known = all.filter(({ semantic }) => !Number.isNaN(semantic));
  const meant = best(known, ({ semantic }) => semantic);
  const basic = [...new Set([...worded, ...near])].filter(
    ({ semantic }) => !Number.isNaN(semantic),
  );
  const gap =
    basic.reduce((sum, one) => sum + one.semantic - one.vector, 0) / Math.max(basic.length, 1);
  const pool = [...new Set([...worded, ...near, ...meant])];
  const bm25Max = Math.max(...pool.map(({ bm25 }) => bm25), 0);
  const priceMin = Math.min(...pool.map(({ price }) => price));
  const scored = pool.flatMap((one) => {
    const lexical = bm25Max > 0 ? one.bm25 / bm25Max : 0;
    const expected = Math.min(Math.max(one.vector + gap, -1), 1);
    const semantic = Number.isNaN(one.semantic) ? expected : one.semantic;
    const match = withMeaning
      ? 0.4 * lexical + 0.6 * (0.5 * one.vector + 0.5 * semantic)
      : 0.5 * lexical + 0.5 * one.vector;
    if (match <= 0) return [];
    const { score, online, rankedLast = false } = one.signal;
    const price = (priceMin + 1) / (one.price + 1);
    const total = match + 0.02 * score + 0.01 * price + 0.02 * Number(online);
    return [{ agent: one.agent, score: total, last: rankedLast, tie: one.tie }];
  });
  return scored.sort(
    (a, b) => Number(a.last) - Number(b.last) || b.score - a.score || a.tie - b.tie,
  );
}

const text = fc
  .array(fc.constantFrom(...WORDS), { minLength: 1, maxLength: 7 })
  .map((words) => words.join(' '));
const published = fc.record({
  text,
  price: fc.bigInt({ min: 0n, max: 1_000n }),
  region: fc.constantFrom('eu', 'us', 'ap'),
  attached: fc.boolean(),
  did: fc.integer({ min: 0, max: 9 }),
});

test('the pool takes two hundred of each side', () => {
  expect(POOL_DEPTH).toBe(200);
});

test('a search answers as lists and sorts over all cards would', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(published, { minLength: 1, maxLength: 420, size: 'max' }),
      text,
      fc.constantFrom<string[] | undefined>(undefined, ['eu'], ['us', 'ap']),
      fc.constantFrom(1_000, 100),
      fc.boolean(),
      async (rows, query, regions, shardCards, withMeaning) => {
        const cards = rows.map((row, i) =>
          card(`a${i}`, {
            did: `did:key:z${row.did}`,
            description: row.text,
            regions: [row.region],
            price: { base: row.price, perMgas: 0n, perPage: 0n },
          }),
        );
        const semantic = withMeaning ? { semantic: meaning } : {};
        const index = new CardIndex({ embedder: ngramHash384, shardCards, ...semantic });
        await index.upsertAll(cards);
        const attached = cards.filter((_, i) => withMeaning && rows[i]?.attached);
        await index.attach(
          attached.map(({ key, cardSha256, description }) => ({
            key,
            cardSha256,
            vectors: [meaningOf(description)],
          })),
        );
        const signals = (did: string): Signal => ({
          online: did.endsWith('1') || did.endsWith('4'),
          score: Number(did.at(-1)) / 10,
          tasks: 1,
          rankedLast: did.endsWith('7'),
        });
        const bm25 = bm25Of(cards, query);
        const all = cards.map((one, i) => ({
          agent: one.agent,
          tie: hashBytes(new TextEncoder().encode(one.key)),
          bm25: bm25[i] ?? 0,
          vector: cosine(embedNgrams(cardText(one)), embedNgrams(query)),
          semantic: attached.includes(one)
            ? cosine(meaningOf(one.description), meaningOf(query))
            : Number.NaN,
          price: Number(referencePrice(one.price)),
          signal: signals(one.did),
        }));
        const passing = all.filter((_, i) => regions?.includes(rows[i]?.region ?? '') ?? true);
        const wanted = plainRanking(passing, attached.length > 0).slice(0, 100);
        const filters = regions === undefined ? {} : { filters: { regions } };
        const answer = await index.search({ text: query, now: NOW, k: 100, ...filters }, signals);
        if (!answer.ok) throw new Error(answer.code);
        expect(answer.results.length).toBe(wanted.length);
        answer.results.forEach(({ score }, i) => {
          expect(score).toBeCloseTo(wanted[i]?.score ?? 0, 9);
        });
        // Equal but for rounding: such neighbours may stand either way round.
        const rounded = (score: number | undefined) => (score ?? 0).toFixed(8);
        answer.results.forEach(({ agent, score }, i) => {
          const alike = wanted.filter((one) => rounded(one.score) === rounded(score));
          if (alike.length === 1) expect(agent).toBe(wanted[i]?.agent);
        });
      },
    ),
    { numRuns: 20 },
  );
});
