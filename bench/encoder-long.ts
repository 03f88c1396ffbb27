/**
 * Cards longer than the encoder reads at once: six tools of a labelled set make one card. Compared
 * are the first chunk alone, one vector for the mean of all chunks, and the nearest of a vector a
 * chunk, which is what the edge attaches.
 */
import { CardIndex, cardText, Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import {
  cardsOf,
  ndcg10,
  queriesOf,
  type SetName,
} from '../packages/discovery/spec/retrieval-sets.ts';
import type { RememberedEncoder } from './encoder-vectors.ts';
import type { BenchResult } from './report.ts';

const TOOLS = 6;
const SETS: readonly SetName[] = ['bfcl', 'sealtools'];

type LongCard = ReturnType<typeof cardsOf>[number];

const READINGS: Record<string, (encoder: RememberedEncoder, text: string) => Int8Array[]> = {
  first: (encoder, text) => encoder.chunks(text).slice(0, 1),
  mean: (encoder, text) => [encoder.whole(text)],
  nearest: (encoder, text) => encoder.chunks(text),
};

/** `long.{set}.{first,mean,nearest}.ndcg10`, in the ranking with three signals. */
export async function measureLongCards(
  encoder: RememberedEncoder,
  note: (line: string) => void,
): Promise<BenchResult[]> {
  const results: BenchResult[] = [];
  const module = await loadInt8Hnsw();
  for (const set of SETS) {
    const cards = merged(cardsOf(set));
    for (const [name, read] of Object.entries(READINGS)) {
      note(`long cards of ${set}, ${name}`);
      const index = new CardIndex({
        embedder: ngramHash384,
        semantic: encoder,
        engine: (dims, capacity) => new Int8Hnsw({ module, dims, capacity }),
      });
      await index.upsertAll(cards);
      await index.attach(
        cards.map((card) => {
          const { key, cardSha256 } = card;
          return { key, cardSha256, vectors: read(encoder, cardText(card)) };
        }),
      );
      const value = Number((await meanNdcg(index, set, cards)).toFixed(4));
      results.push({ name: `long.${set}.${name}.ndcg10`, value, unit: '1', better: 'higher' });
    }
    encoder.save();
  }
  return results;
}

/** Neighbours in the set's order become the skills of one card. */
function merged(cards: readonly LongCard[]): LongCard[] {
  const long: LongCard[] = [];
  for (let at = 0; at < cards.length; at += TOOLS) {
    const parts = cards.slice(at, at + TOOLS);
    const [first] = parts;
    if (first === undefined) continue;
    const skills = parts.flatMap((card) => card.skills);
    long.push({ ...first, name: '', description: '', tags: [], skills });
  }
  return long;
}

async function meanNdcg(index: CardIndex, set: SetName, cards: readonly LongCard[]) {
  const cardOf = new Map(cards.flatMap(({ agent, skills }) => skills.map(({ id }) => [id, agent])));
  const queries = queriesOf(set);
  let total = 0;
  for (const { text, relevant } of queries) {
    const answer = await index.search({ text, now: 0 });
    const found = answer.ok ? answer.results.map(({ agent }) => agent) : [];
    total += ndcg10(found, [...new Set(relevant.map((id) => cardOf.get(id) ?? ''))]);
  }
  return total / queries.length;
}
