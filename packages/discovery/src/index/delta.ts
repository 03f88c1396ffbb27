import type { CardDocument } from './document.ts';

/** One row of the directory's change feed, in the order of `rev`. */
export type CardChange =
  | { readonly rev: number; readonly card: CardDocument }
  | { readonly rev: number; readonly removed: string };

/** Changes a builder takes in one run; the next run goes on where it ended. */
export const DELTA_MAX = 2_000;

/** `did` and `agent` of a card's key. */
export function splitKey(key: string): { did: string; agent: string } {
  const border = key.lastIndexOf('#');
  return { did: key.slice(0, border), agent: key.slice(border + 1) };
}
