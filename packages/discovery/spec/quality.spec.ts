import { CardIndex, ngramHash384 } from '@zerostate/discovery';
import { describe, expect, test } from 'vitest';
import { cardsOf, ndcg10, queriesOf, type SetName } from './retrieval-sets.ts';

const FLOORS: [SetName, number][] = [
  ['metatool', 0.51],
  ['sealtools', 0.86],
  ['bfcl', 0.68],
];

async function meanNdcg(index: CardIndex, set: SetName, vector: number): Promise<number> {
  const queries = queriesOf(set);
  let total = 0;
  for (const { text, relevant } of queries) {
    const answer = await index.search({ text, now: 0, weights: { vector } });
    const ids = answer.ok ? answer.results.map((result) => result.skills[0]?.id ?? '') : [];
    total += ndcg10(ids, relevant);
  }
  return total / queries.length;
}

describe('the right agent comes first', () => {
  test.each(FLOORS)(
    'on %s the hybrid reaches %f and is not under BM25',
    async (set, floor) => {
      const index = new CardIndex({ embedder: ngramHash384 });
      await index.upsertAll(cardsOf(set));
      const hybrid = await meanNdcg(index, set, 0.5);
      const bm25 = await meanNdcg(index, set, 0);
      console.log(`${set}: hybrid ${hybrid.toFixed(4)}, bm25 ${bm25.toFixed(4)}`);
      expect(hybrid).toBeGreaterThanOrEqual(floor);
      expect(hybrid).toBeGreaterThanOrEqual(bm25 - 0.01);
    },
    120_000,
  );
});
