/** What search needs beside the directory; each entry hands in what its runtime has. */
import type { Embedder, VectorEngine } from '@zerostate/discovery';
import type { Timers } from '../ports.ts';
import type { SnapshotStore } from './snapshot-store.ts';

/** An embedder that may read a long text as several parts, of which the nearest one counts. */
export type SemanticEmbedder = Embedder & {
  vectors?(text: string): readonly Int8Array[];
};

export type SearchPorts = {
  /** The base: always there, answers by itself. Its id is part of every snapshot. */
  embedder: Embedder;
  /**
   * Ranks by meaning as well. It may come later than the rest: then the index is loaded again with
   * room for its vectors, and the base answers meanwhile.
   */
  semantic?: SemanticEmbedder;
  /** Makes a vector engine; without it vectors are scanned in JavaScript. */
  engine?: (dims: number, capacity: number) => VectorEngine;
  snapshots: SnapshotStore;
  timers: Timers;
  /** Changes from which a builder writes a new snapshot; a worker takes one up from four times that. */
  delta: number;
  /** Cards up to which two indexes fit into memory side by side; absent: any number. */
  besideCardsMax?: number;
  /** Cards up to which second vectors fit as well; above, the base ranks alone. Absent: any. */
  semanticCardsMax?: number;
};

/** What is taken back is not given again at once: an index near the limit would be made anew often. */
const GIVEN_AGAIN = 0.9;

/** The semantic embedder of an index of so many cards; undefined where there is no room for it. */
export function semanticFor(
  { semantic, semanticCardsMax = Number.POSITIVE_INFINITY }: SearchPorts,
  cards: number,
  isHeld = true,
): SemanticEmbedder | undefined {
  return cards <= semanticCardsMax * (isHeld ? 1 : GIVEN_AGAIN) ? semantic : undefined;
}

export const DELTA_DEFAULT = 500;
