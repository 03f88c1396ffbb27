import type { Bitmap } from '../index/bitmap.ts';
import type { SectionReader, SectionWriter } from '../index/sections.ts';

/**
 * Breadth of a walk of which only a share of the slots is allowed, to find as much as one of
 * breadth `ef` finds of all. In proportion would be more than enough: every slot that a walk
 * meets competes, not only those it goes on from.
 */
export function filteredBreadth(ef: number, share: number): number {
  return ef / Math.min(Math.max(share, 0.01), 1) ** 0.75;
}

/** Slots with their cosine to the query, nearest first. */
export interface Neighbours {
  readonly slots: Uint32Array;
  readonly cosines: Float64Array;
}

/**
 * Nearest neighbours among int8 vectors by cosine. Slots count up from 0 in the order of `add`
 * and are never used twice. Engines differ in speed and in what `graph` does, never in what
 * `scan` and `cosines` answer.
 */
export interface VectorEngine {
  /** Names algorithm and format; part of every snapshot. */
  readonly id: string;
  readonly dims: number;
  /** Slots given out, removed ones included. */
  readonly slots: number;
  /** Slots that `graph` reaches; those above are only found by `scan`. */
  readonly linked: number;
  /** Stores a vector and returns its slot. Throws when its length is not `dims`. */
  add(vector: Int8Array): number;
  /** Takes a slot out of every later answer. */
  remove(slot: number): void;
  /** Puts up to `count` further slots into the graph and returns how many it did. */
  link(count: number): number;
  /** The exact `k` nearest of the slots in `allowed` from slot `from` on (0 by default). */
  scan(query: Int8Array, k: number, allowed: Bitmap, from?: number): Neighbours;
  /** About the `k` nearest linked slots in `allowed`; a larger `ef` misses fewer. */
  graph(query: Int8Array, k: number, allowed: Bitmap, ef: number): Neighbours;
  /** A copy of a slot's vector, removed or not. */
  vectorAt(slot: number): Int8Array;
  /** The exact cosines of given slots, removed ones included. */
  cosines(query: Int8Array, slots: Uint32Array): Float64Array;
  /** Adds the engine's sections; they are views, to be written out before the next change. */
  save(writer: SectionWriter): void;
  /** Fills an empty engine; throws `SnapshotFault` for what is not sound or does not fit. */
  load(reader: SectionReader): Promise<void>;
}
