import { type Bitmap, eachBit, hasBit } from '../index/bitmap.ts';
import { choosePlan, nearest } from '../index/planner.ts';
import type { Shard } from '../index/shard.ts';
import { addStats } from '../lexical/bm25.ts';
import { POOL_DEPTH } from '../limits.ts';
import { TopList } from '../vector/top.ts';
import type { Selection } from './filter.ts';

/** One card under consideration, with every side of its score exact. */
export interface Candidate {
  readonly shard: number;
  readonly slot: number;
  /** BM25, not yet divided by the pool's maximum. */
  readonly bm25: number;
  readonly cosine: number;
  /** NaN without a semantic vector, of the query or of the card. */
  readonly semantic: number;
  /** Neither words nor n-grams found it: it is here for its meaning alone. */
  readonly byMeaning: boolean;
}

/** What is looked for. Without a vector and terms every card matches equally (browsing). */
export interface PoolQuery {
  readonly terms: readonly string[];
  readonly vector: Int8Array | undefined;
  /** Set when meaning counts. */
  readonly semantic: Int8Array | undefined;
}

const SHARD_STRIDE = 2 ** 24;

/** Scores the words of a query in every shard, over the statistics of all of them together. */
export function scoreWords(shards: readonly Shard[], terms: readonly string[]): Uint32Array[] {
  const stats = shards.map((shard) => shard.lexical.stats(terms)).reduce(addStats);
  return shards.map((shard) => shard.lexical.score(terms, stats));
}

/**
 * The fusion pool: the best POOL_DEPTH of each side among the cards `allowed` lets through, over
 * all shards, every candidate scored exactly on every side. `matched` is what `scoreWords` gave.
 */
export function gatherPool(
  shards: readonly Shard[],
  selections: readonly Selection[],
  allowed: readonly Bitmap[],
  matched: readonly Uint32Array[],
  query: PoolQuery,
): Candidate[] {
  const refs = new Set<number>();
  const keep = (list: TopList) => {
    for (const { slot: ref } of list.ranked()) refs.add(ref);
  };
  keep(bestByWords(shards, allowed, matched));
  if (query.vector === undefined && query.terms.length === 0) keep(anyCards(shards, allowed));
  else if (query.vector !== undefined)
    keep(bestByVector(shards, selections, allowed, query.vector));
  const basic = refs.size;
  if (query.semantic !== undefined) keep(bestByMeaning(shards, allowed, query.semantic));
  return scoreExactly(shards, [...refs], basic, query);
}

function bestByWords(
  shards: readonly Shard[],
  allowed: readonly Bitmap[],
  matched: readonly Uint32Array[],
): TopList {
  const best = new TopList(POOL_DEPTH);
  shards.forEach(({ lexical, cards }, index) => {
    const bits = allowed[index];
    if (bits === undefined) return;
    for (const slot of matched[index] ?? []) {
      const score = lexical.scoreOf(slot);
      if (score < best.floor || !hasBit(bits, slot)) continue;
      best.offer(index * SHARD_STRIDE + slot, score, cards.tieOf(slot));
    }
  });
  return best;
}

function bestByVector(
  shards: readonly Shard[],
  selections: readonly Selection[],
  allowed: readonly Bitmap[],
  vector: Int8Array,
): TopList {
  const best = new TopList(POOL_DEPTH);
  shards.forEach(({ vectors, cards, breadth }, index) => {
    const selection = selections[index];
    const bits = allowed[index];
    if (selection === undefined || bits === undefined) return;
    const { liveCount, passingCount } = selection;
    const plan = choosePlan(vectors, liveCount, passingCount, breadth);
    for (const found of nearest(vectors, plan, vector, POOL_DEPTH, bits, breadth)) {
      found.slots.forEach((slot, i) => {
        const cosine = found.cosines[i] ?? 0;
        best.offer(index * SHARD_STRIDE + slot, cosine, cards.tieOf(slot));
      });
    }
  });
  return best;
}

/** A card found by several of its vectors is kept once, with the nearest of them. */
function bestByMeaning(
  shards: readonly Shard[],
  allowed: readonly Bitmap[],
  vector: Int8Array,
): TopList {
  const best = new TopList(POOL_DEPTH);
  shards.forEach(({ semantic, cards }, index) => {
    const bits = allowed[index];
    if (semantic === undefined || bits === undefined) return;
    const { found, cardOf } = semantic.nearest(vector, POOL_DEPTH, bits);
    const nearestOf = new Map<number, number>();
    for (const { slots, cosines } of found) {
      slots.forEach((slot, i) => {
        const [card, cosine] = [cardOf(slot), cosines[i] ?? 0];
        if (cosine > (nearestOf.get(card) ?? -2)) nearestOf.set(card, cosine);
      });
    }
    for (const [card, cosine] of nearestOf) {
      best.offer(index * SHARD_STRIDE + card, cosine, cards.tieOf(card));
    }
  });
  return best;
}

/** For browsing: which POOL_DEPTH cards are looked at is decided by their keys alone. */
function anyCards(shards: readonly Shard[], allowed: readonly Bitmap[]): TopList {
  const best = new TopList(POOL_DEPTH);
  shards.forEach(({ cards }, index) => {
    const bits = allowed[index];
    if (bits === undefined) return;
    eachBit(bits, (slot) => best.offer(index * SHARD_STRIDE + slot, 0, cards.tieOf(slot)));
  });
  return best;
}

/** `refs` begin with the `basic` ones that words or n-grams found. */
function scoreExactly(
  shards: readonly Shard[],
  refs: readonly number[],
  basic: number,
  { vector, semantic }: PoolQuery,
): Candidate[] {
  return shards.flatMap((own, shard) => {
    const places = refs.flatMap((ref, i) => (Math.floor(ref / SHARD_STRIDE) === shard ? [i] : []));
    const slots = Uint32Array.from(places, (i) => (refs[i] ?? 0) % SHARD_STRIDE);
    const cosines = vector === undefined ? undefined : own.vectors.cosines(vector, slots);
    const meanings = semantic === undefined ? undefined : own.semantic?.cosines(semantic, slots);
    return Array.from(slots, (slot, i) => ({
      shard,
      slot,
      bm25: own.lexical.scoreOf(slot),
      cosine: cosines?.[i] ?? 0,
      semantic: meanings?.[i] ?? Number.NaN,
      byMeaning: (places[i] ?? 0) >= basic,
    }));
  });
}
