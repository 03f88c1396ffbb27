import { existsSync } from 'node:fs';
import { type CardDocument, CardIndex, cardText, ngramHash384 } from '@zerostate/discovery';
import {
  cardsOf,
  ndcg10,
  queriesOf,
  SETS,
  type SetName,
} from '../packages/discovery/spec/retrieval-sets.ts';
import type { BenchResult } from './report.ts';
import { round } from './search-cache.ts';
import { peerClass, peerModule } from './search-peers.ts';

type Rank = (text: string) => Promise<readonly string[]>;

/** nDCG@10 of ours on the labelled sets, beside what a user would pick instead. */
export async function measureQuality(
  note: (line: string) => void,
): Promise<{ results: BenchResult[]; missing: string[] }> {
  if (!existsSync(new URL('../../shared/data/README.md', import.meta.url))) {
    return { results: [], missing: ['shared/data'] };
  }
  const results: BenchResult[] = [];
  const missing = new Set<string>();
  for (const set of SETS) {
    note(`quality ${set}`);
    const cards = cardsOf(set);
    const peers: Record<string, number> = { 'word-hash': await score(set, wordHash(cards)) };
    for (const [name, make] of Object.entries(PEERS)) {
      const rank = await make(cards);
      if (rank === undefined) missing.add(name);
      else peers[name] = await score(set, rank);
    }
    const index = new CardIndex({ embedder: ngramHash384 });
    await index.upsertAll(cards);
    for (const [name, vector] of [
      ['hybrid', 0.5],
      ['bm25', 0],
      ['vector', 1],
    ] as const) {
      const value = await score(set, async (text) => {
        const answer = await index.search({ text, now: 0, weights: { vector } });
        return answer.ok ? answer.results.map(({ skills }) => skills[0]?.id ?? '') : [];
      });
      const ratios = Object.entries(peers).map(([peer, other]) => [peer, round(value / other)]);
      const vs: Record<string, number> = Object.fromEntries(ratios);
      const result = `quality.${set}.${name}.ndcg10`;
      results.push({
        name: result,
        value: Number(value.toFixed(4)),
        unit: '1',
        better: 'higher',
        vs,
      });
    }
  }
  return { results, missing: [...missing] };
}

async function score(set: SetName, rank: Rank): Promise<number> {
  const queries = queriesOf(set);
  let total = 0;
  for (const { text, relevant } of queries) total += ndcg10(await rank(text), relevant);
  return total / queries.length;
}

const idOf = (card: CardDocument) => card.skills[0]?.id ?? '';

const PEERS: Record<string, (cards: readonly CardDocument[]) => Promise<Rank | undefined>> = {
  minisearch: async (cards) => {
    const module = peerModule('minisearch');
    if (module === undefined) return undefined;
    interface MiniSearch {
      addAll(documents: object[]): void;
      search(text: string): { id: string }[];
    }
    const owner = typeof module.default === 'function' ? module : { default: module };
    const index = new (peerClass<MiniSearch>(owner, 'default'))({ fields: ['text'] });
    index.addAll(cards.map((card) => ({ id: idOf(card), text: cardText(card) })));
    return async (text) =>
      index
        .search(text)
        .slice(0, 10)
        .map(({ id }) => id);
  },
  orama: async (cards) => {
    const module = peerModule('@orama/orama');
    if (module === undefined) return undefined;
    const { create, insertMultiple, search } = module as unknown as {
      create(options: object): object;
      insertMultiple(index: object, documents: object[]): unknown;
      search(index: object, query: object): unknown;
    };
    const index = create({ schema: { id: 'string', text: 'string' } });
    await insertMultiple(
      index,
      cards.map((card) => ({ id: idOf(card), text: cardText(card) })),
    );
    return async (text) => {
      const { hits } = (await search(index, { term: text, limit: 10 })) as {
        hits: { id: string }[];
      };
      return hits.map(({ id }) => id);
    };
  },
};

/** A hashed bag of words in 384 slots, ranked by cosine. */
function wordHash(cards: readonly CardDocument[]): Rank {
  const stored = cards.map((card) => ({ id: idOf(card), vector: hashWords(cardText(card)) }));
  return async (text) => {
    const query = hashWords(text);
    const scored = stored.map(({ id, vector }) => {
      let dot = 0;
      for (let i = 0; i < query.length; i++) dot += (query[i] ?? 0) * (vector[i] ?? 0);
      return { id, dot };
    });
    return scored
      .sort((a, b) => b.dot - a.dot)
      .slice(0, 10)
      .map(({ id }) => id);
  };
}

function hashWords(text: string): Float64Array {
  const vector = new Float64Array(384);
  for (const word of text.toLowerCase().split(/\W+/)) {
    let hash = 0;
    for (const letter of word) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
    vector[hash % 384] = (vector[hash % 384] ?? 0) + 1;
  }
  const length = Math.hypot(...vector) || 1;
  return vector.map((value) => value / length);
}
