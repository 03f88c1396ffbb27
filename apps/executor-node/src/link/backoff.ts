import { LINK_BACKOFF_MS_MAX, LINK_BACKOFF_MS_MIN } from '@zerostate/shared';
import type { Rng } from '../ports.ts';

/**
 * How long to wait before try number `attempt` (0 is the first retry), in ms: exponential up to
 * LINK_BACKOFF_MS_MAX, jittered over its upper half so that the nodes of an edge that came back
 * do not dial at once.
 */
export function backoffMs(attempt: number, rng: Rng): number {
  const ceiling = Math.min(LINK_BACKOFF_MS_MAX, LINK_BACKOFF_MS_MIN * 2 ** Math.min(attempt, 16));
  const random = new DataView(rng.bytes(4).slice().buffer).getUint32(0) / 2 ** 32;
  return Math.max(LINK_BACKOFF_MS_MIN, Math.round(ceiling * (0.5 + random / 2)));
}
