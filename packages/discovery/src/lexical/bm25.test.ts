import fc from 'fast-check';
import { expect, test } from 'vitest';
import { BM25_B, BM25_K1, LexicalIndex } from './bm25.ts';

/** BM25 as the formula is written, over all cards. */
function formula(cards: readonly string[][], query: readonly string[], card: number): number {
  const average = cards.reduce((total, { length }) => total + length, 0) / cards.length;
  const own = cards[card] ?? [];
  return query.reduce((score, term) => {
    const frequency = cards.filter((terms) => terms.includes(term)).length;
    const tf = own.filter((other) => other === term).length;
    const idf = Math.log(1 + (cards.length - frequency + 0.5) / (frequency + 0.5));
    const norm = BM25_K1 * (1 - BM25_B + (BM25_B * own.length) / average);
    return score + (idf * tf * (BM25_K1 + 1)) / (tf + norm);
  }, 0);
}

const term = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'ü', '東京', 'longer-term');
const cards = fc.array(fc.array(term, { minLength: 1, maxLength: 12 }), {
  minLength: 1,
  maxLength: 60,
});

test('every score is the published formula over the cards that remain', () => {
  fc.assert(
    fc.property(
      cards,
      fc.infiniteStream(fc.boolean()),
      fc.uniqueArray(term),
      (all, drops, query) => {
        const index = new LexicalIndex();
        for (const terms of all) index.add(terms);
        const kept = all.map((_, slot) => slot === 0 || !drops.next().value);
        kept.forEach((keep, slot) => {
          if (!keep) index.remove(slot);
        });
        const left = all.filter((_, slot) => kept[slot]);
        const slots = all.map((_, slot) => slot).filter((slot) => kept[slot]);
        index.score(query, index.stats(query));
        slots.forEach((slot, i) => {
          expect(index.scoreOf(slot)).toBeCloseTo(formula(left, query, i), 9);
        });
      },
    ),
  );
});

test('a term on thousands of cards keeps every one of them', () => {
  const index = new LexicalIndex();
  for (let i = 0; i < 5_000; i++) index.add(['common', `own${i}`]);
  expect([...index.score(['common'], index.stats(['common']))].sort((a, b) => a - b)).toEqual(
    Array.from({ length: 5_000 }, (_, slot) => slot),
  );
  expect([...index.score(['own4321'], index.stats(['own4321']))]).toEqual([4321]);
});

test('scores of one query do not leak into the next', () => {
  const index = new LexicalIndex();
  index.add(['a']);
  index.add(['b']);
  index.score(['a'], index.stats(['a']));
  index.score(['b'], index.stats(['b']));
  expect(index.scoreOf(0)).toBe(0);
});
