import type { CardDocument } from './document.ts';

/** The semantic vectors of one card, made after it was published. */
export interface SemanticVectors {
  /** `did#agent`. */
  readonly key: string;
  /** The card they were made of; those of a card that was replaced since are not taken. */
  readonly cardSha256: string;
  /** One, or one for each part of a long text, up to SEMANTIC_VECTORS_MAX. */
  readonly vectors: readonly Int8Array[];
}

/** One row of the directory's change feed, in the order of `rev`. */
export type CardChange =
  | { readonly rev: number; readonly card: CardDocument }
  | { readonly rev: number; readonly removed: string }
  | { readonly rev: number; readonly semantic: SemanticVectors };

/** Changes a builder takes in one run; the next run goes on where it ended. */
export const DELTA_MAX = 2_000;

/** `did` and `agent` of a card's key. */
export function splitKey(key: string): { did: string; agent: string } {
  const border = key.lastIndexOf('#');
  return { did: key.slice(0, border), agent: key.slice(border + 1) };
}
