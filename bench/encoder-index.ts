import { CardIndex, cardText, type Embedder, Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import {
  cardsOf,
  ndcg10,
  queriesOf,
  type SetName,
} from '../packages/discovery/spec/retrieval-sets.ts';

/** One set's cards with their words and their meaning; `chunks` are a text's vectors. */
export async function semanticIndex(
  encoder: Embedder,
  chunks: (text: string) => Int8Array[],
  set: SetName,
): Promise<CardIndex> {
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
      vectors: chunks(cardText(card)),
    })),
  );
  return index;
}

/** Mean nDCG@10 over a set's queries; the default weights where none are given. */
export async function meanNdcg(
  index: CardIndex,
  set: SetName,
  weights: { vector?: number; semantic?: number },
): Promise<number> {
  const queries = queriesOf(set);
  let total = 0;
  for (const { text, relevant } of queries) {
    const answer = await index.search({ text, now: 0, weights });
    const ids = answer.ok ? answer.results.map(({ skills }) => skills[0]?.id ?? '') : [];
    total += ndcg10(ids, relevant);
  }
  return total / queries.length;
}
