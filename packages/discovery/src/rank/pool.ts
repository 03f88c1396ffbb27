import { type Bitmap, eachBit, hasBit } from '../index/bitmap.ts';
import { choosePlan, nearest } from '../index/planner.ts';
import type { Shard } from '../index/shard.ts';
import { addStats } from '../lexical/bm25.ts';
import { POOL_DEPTH } from '../limits.ts';
import { TopList } from '../vector/top.ts';
import { Candidates, referenceOf } from './candidates.ts';
import type { Selection } from './filter.ts';

/** What is looked for. Without a vector and terms every card matches equally (browsing). */
export interface PoolQuery {
  readonly terms: readonly string[];
  readonly vector: Int8Array | undefined;
  /** Set when meaning counts. */
  readonly semantic: Int8Array | undefined;
}

/** Scores the words of a query in every shard, over the statistics of all of them together. */
export function scoreWords(shards: readonly Shard[], terms: readonly string[]): Uint32Array[] {
  const stats = shards.map((shard) => shard.lexical.stats(terms)).reduce(addStats);
  return shards.map((shard) => shard.lexical.score(terms, stats));
}

/**
 * The fusion pool: the best POOL_DEPTH of each side among the cards that are let through, over
 * all shards, every candidate scored exactly on every side. One search at a time.
 */
export class FusionPool {
  readonly candidates = new Candidates();
  readonly #best = new TopList(POOL_DEPTH);
  readonly #nearestOf = new Map<number, number>();
  readonly #rows = new Uint32Array(this.candidates.slots.length);
  readonly #slots = new Uint32Array(this.candidates.slots.length);

  /** Gathers the candidates among `allowed` cards; `matched` is what `scoreWords` gave. */
  gather(
    shards: readonly Shard[],
    selections: readonly Selection[],
    allowed: readonly Bitmap[],
    matched: readonly Uint32Array[],
    query: PoolQuery,
  ): Candidates {
    const { candidates } = this;
    candidates.clear();
    for (const [index, shard] of shards.entries()) {
      this.#byWords(shard, index, allowed[index], matched[index]);
    }
    this.#keep();
    if (query.vector !== undefined) {
      for (const [index, shard] of shards.entries()) {
        this.#byVector(shard, index, selections[index], allowed[index], query.vector);
      }
    } else if (query.terms.length === 0) {
      for (const [index, shard] of shards.entries()) this.#anyCards(shard, index, allowed[index]);
    }
    this.#keep();
    candidates.basic = candidates.size;
    if (query.semantic !== undefined) {
      for (const [index, shard] of shards.entries()) {
        this.#byMeaning(shard, index, allowed[index], query.semantic);
      }
      this.#keep();
    }
    for (const [index, shard] of shards.entries()) this.#scoreExactly(shard, index, query);
    return candidates;
  }

  #keep(): void {
    for (let i = 0; i < this.#best.size; i++) this.candidates.add(this.#best.slotAt(i));
    this.#best.clear();
  }

  #byWords({ lexical, cards }: Shard, index: number, bits?: Bitmap, matched?: Uint32Array): void {
    if (bits === undefined || matched === undefined) return;
    const { scores } = lexical;
    let { floor } = this.#best;
    for (let i = 0; i < matched.length; i++) {
      const slot = matched[i] ?? 0;
      const score = scores[slot] ?? 0;
      if (score < floor || !hasBit(bits, slot)) continue;
      this.#best.offer(referenceOf(index, slot), score, cards.tieOf(slot));
      floor = this.#best.floor;
    }
  }

  #byVector(
    { vectors, cards, breadth }: Shard,
    index: number,
    selection: Selection | undefined,
    bits: Bitmap | undefined,
    vector: Int8Array,
  ): void {
    if (selection === undefined || bits === undefined) return;
    const { liveCount, passingCount } = selection;
    const plan = choosePlan(vectors, liveCount, passingCount, breadth);
    for (const { slots, cosines } of nearest(vectors, plan, vector, POOL_DEPTH, bits, breadth)) {
      for (let i = 0; i < slots.length; i++) {
        const slot = slots[i] ?? 0;
        this.#best.offer(referenceOf(index, slot), cosines[i] ?? 0, cards.tieOf(slot));
      }
    }
  }

  /** A card found by several of its vectors is kept once, with the nearest of them. */
  #byMeaning({ semantic, cards }: Shard, index: number, bits?: Bitmap, vector?: Int8Array): void {
    if (semantic === undefined || bits === undefined || vector === undefined) return;
    const { found, cardOf } = semantic.nearest(vector, POOL_DEPTH, bits);
    const nearestOf = this.#nearestOf;
    nearestOf.clear();
    for (const { slots, cosines } of found) {
      for (let i = 0; i < slots.length; i++) {
        const card = cardOf(slots[i] ?? 0);
        const cosine = cosines[i] ?? 0;
        if (cosine > (nearestOf.get(card) ?? -2)) nearestOf.set(card, cosine);
      }
    }
    for (const [card, cosine] of nearestOf) {
      this.#best.offer(referenceOf(index, card), cosine, cards.tieOf(card));
    }
  }

  /** For browsing: which POOL_DEPTH cards are looked at is decided by their keys alone. */
  #anyCards({ cards }: Shard, index: number, bits?: Bitmap): void {
    if (bits === undefined) return;
    eachBit(bits, (slot) => this.#best.offer(referenceOf(index, slot), 0, cards.tieOf(slot)));
  }

  #scoreExactly({ lexical, vectors, semantic }: Shard, index: number, query: PoolQuery): void {
    const { candidates } = this;
    let size = 0;
    for (let row = 0; row < candidates.size; row++) {
      if (candidates.shards[row] !== index) continue;
      this.#rows[size] = row;
      this.#slots[size++] = candidates.slots[row] ?? 0;
    }
    const slots = this.#slots.subarray(0, size);
    const cosines = query.vector && vectors.cosines(query.vector, slots);
    const meanings = query.semantic && semantic?.cosines(query.semantic, slots);
    for (let i = 0; i < size; i++) {
      const row = this.#rows[i] ?? 0;
      candidates.bm25[row] = lexical.scoreOf(slots[i] ?? 0);
      candidates.cosine[row] = cosines?.[i] ?? 0;
      candidates.semantic[row] = meanings?.[i] ?? Number.NaN;
    }
  }
}
