import { CardIndex, cardText, Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadEncoder } from '@zerostate/discovery/encoder/load';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { describe, expect, test } from 'vitest';
import { ensureEncoder } from '../scripts/build-encoder.ts';
import type { Encoder } from '../src/embed/use-lite/encoder.ts';
import { cardsOf, ndcg10, queriesOf, type SetName } from './retrieval-sets.ts';

const FLOORS: [SetName, number][] = [
  ['metatool', 0.575],
  ['sealtools', 0.86],
  ['bfcl', 0.71],
];
/** How far under BM25 a set may come. */
const LOSS_MAX = 0.005;
/** A bound against hanging: a set has thousands of texts to embed. */
const LONG_MS = 1_800_000;

async function encoderOnce(): Promise<Encoder> {
  await ensureEncoder();
  const answer = await loadEncoder();
  if (!answer.ok) throw new Error(answer.detail);
  return answer.encoder;
}

async function semanticIndex(encoder: Encoder, set: SetName): Promise<CardIndex> {
  const module = await loadInt8Hnsw();
  const index = new CardIndex({
    embedder: ngramHash384,
    semantic: encoder,
    engine: (dims, capacity) => new Int8Hnsw({ module, dims, capacity }),
  });
  const cards = cardsOf(set);
  await index.upsertAll(cards);
  await index.attach(
    cards.map((card) => ({
      key: card.key,
      cardSha256: card.cardSha256,
      vectors: encoder.vectors(cardText(card)),
    })),
  );
  return index;
}

/** Of the default weights, and of words alone. */
async function meanNdcg(index: CardIndex, set: SetName): Promise<{ hybrid: number; bm25: number }> {
  const queries = queriesOf(set);
  const mean = { hybrid: 0, bm25: 0 };
  for (const { text, relevant } of queries) {
    for (const [name, weights] of [
      ['hybrid', {}],
      ['bm25', { vector: 0 }],
    ] as const) {
      const answer = await index.search({ text, now: 0, weights });
      const ids = answer.ok ? answer.results.map(({ skills }) => skills[0]?.id ?? '') : [];
      mean[name] += ndcg10(ids, relevant) / queries.length;
    }
  }
  return mean;
}

describe('the right agent comes first, also in other words', () => {
  test.each(FLOORS)(
    'on %s the ranking with meaning reaches %f and is not under BM25',
    async (set, floor) => {
      const index = await semanticIndex(await encoderOnce(), set);
      const { hybrid, bm25 } = await meanNdcg(index, set);
      console.log(`${set}: with meaning ${hybrid.toFixed(4)}, bm25 ${bm25.toFixed(4)}`);
      expect(hybrid).toBeGreaterThanOrEqual(floor);
      expect(hybrid).toBeGreaterThanOrEqual(bm25 - LOSS_MAX);
    },
    LONG_MS,
  );
});
