import { POOL_DEPTH } from '../limits.ts';

/** Words, n-grams and meaning. */
const SIDES = 3;
const SHARD_STRIDE = 2 ** 24;
/** A power of two over twice the candidates, so that chains stay short. */
const TABLE_SIZE = 2_048;

/** One number for a slot of a shard. */
export function referenceOf(shard: number, slot: number): number {
  return shard * SHARD_STRIDE + slot;
}

/**
 * The cards under consideration as columns that are reused from search to search: six hundred
 * objects a query would cost more than the ranking itself.
 */
export class Candidates {
  readonly bm25 = new Float64Array(SIDES * POOL_DEPTH);
  readonly cosine = new Float64Array(SIDES * POOL_DEPTH);
  /** NaN without a semantic vector, of the query or of the card. */
  readonly semantic = new Float64Array(SIDES * POOL_DEPTH);
  readonly shards = new Uint32Array(SIDES * POOL_DEPTH);
  readonly slots = new Uint32Array(SIDES * POOL_DEPTH);
  readonly #table = new Uint16Array(TABLE_SIZE);
  size = 0;
  /** The first so many were found by words or n-grams, the others for their meaning alone. */
  basic = 0;

  clear(): void {
    this.size = 0;
    this.basic = 0;
    this.#table.fill(0);
  }

  /** Adds a card that is not among them yet. */
  add(reference: number): void {
    const shard = Math.floor(reference / SHARD_STRIDE);
    const slot = reference - shard * SHARD_STRIDE;
    let place = (Math.imul(slot + 1, 0x9e3779b1) ^ Math.imul(shard, 0x85ebca6b)) >>> 21;
    for (;;) {
      const row = (this.#table[place] ?? 0) - 1;
      if (row < 0) break;
      if (this.slots[row] === slot && this.shards[row] === shard) return;
      place = (place + 1) & (TABLE_SIZE - 1);
    }
    this.shards[this.size] = shard;
    this.slots[this.size] = slot;
    this.#table[place] = ++this.size;
  }
}
