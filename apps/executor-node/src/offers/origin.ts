import type { Did } from '@zerostate/shared';
import type { Offer } from './read-offer.ts';

/** How an offer came. Its authority is in its signatures, whoever brings it. */
export type Origin =
  | { by: 'link' }
  /** `bytes`: an input too large for the message; empty where it is inline. */
  | { by: 'mesh'; from: Did; bytes: Uint8Array };

/** Who hears of a task, and by which way. */
export type Waiter =
  /** By the link. */
  | { role: 'edge' }
  /** By the mesh; the edge does not know of the task. */
  | { role: 'creator'; did: Did }
  /** By the link, and by this node of the mesh while the link is down. */
  | { role: 'gateway'; did: Did };

export function waiterOf({ manifest }: Offer, origin: Origin): Waiter {
  if (origin.by === 'link') return { role: 'edge' };
  const isCreator = origin.from === manifest.creator;
  return { role: isCreator ? 'creator' : 'gateway', did: origin.from };
}
