import { POOL_DEPTH } from '../limits.ts';
import { filteredBreadth, type Neighbours, type VectorEngine } from '../vector/engine.ts';
import type { Bitmap } from './bitmap.ts';

/** At most this many live cards: the scan is as fast as the graph, and exact. */
export const SCAN_LIVE_MAX = 2_000;

/** At most this many cards passing the filters: a scan of them is as fast, and exact. */
export const SCAN_PASSING_MAX = 5_000;

/**
 * Cards a scan looks at in the time that a walk takes for one unit of breadth, when a tenth of
 * them pass. `npm run bench -- search` measures it as `planner.cards_per_breadth`; it moves
 * between 25 and 55 with the dims and with what else uses the machine's memory.
 */
export const SCANNED_PER_BREADTH = 40;

export type Plan = 'scan' | 'graph';

/**
 * A walk keeps only the allowed of the cards it meets, so it must be broader the fewer pass; a scan looks at the passing cards and at nothing else. The cheaper one is chosen: that is also
 * what keeps answers right, as a walk that may keep few cards misses most of the nearest.
 */
export function choosePlan(engine: VectorEngine, live: number, passing: number, ef: number): Plan {
  if (engine.linked === 0 || live <= SCAN_LIVE_MAX || passing <= SCAN_PASSING_MAX) return 'scan';
  const breadth = filteredBreadth(Math.max(ef, POOL_DEPTH), passing / live);
  return passing <= SCANNED_PER_BREADTH * breadth ? 'scan' : 'graph';
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
