import type { Neighbours, VectorEngine } from '../vector/engine.ts';
import type { Bitmap } from './bitmap.ts';

/** At most this many live cards: the scan is as fast as the graph and exact. */
export const SCAN_LIVE_MAX = 2_000;

/**
 * At most this many cards passing the filters: a graph search that may keep few of the nodes it
 * walks over misses most of the answer (recall .225 at 1 %), a scan of the few does not.
 */
export const SCAN_PASSING_MAX = 5_000;

export type Plan = 'scan' | 'graph';

export function choosePlan(engine: VectorEngine, live: number, passing: number): Plan {
  if (engine.linked === 0 || live <= SCAN_LIVE_MAX || passing <= SCAN_PASSING_MAX) return 'scan';
  return 'graph';
}

/** The nearest of `allowed` by `plan`; what is not yet in the graph is scanned in any case. */
export function nearest(
  engine: VectorEngine,
  plan: Plan,
  query: Int8Array,
  k: number,
  allowed: Bitmap,
  ef: number,
): Neighbours[] {
  if (plan === 'scan') return [engine.scan(query, k, allowed)];
  const found = engine.graph(query, k, allowed, ef);
  if (engine.linked === engine.slots) return [found];
  return [found, engine.scan(query, k, allowed, engine.linked)];
}
