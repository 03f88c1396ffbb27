/** Numbers that forwarding through gateway nodes is held to, each with its reason. */

/** A message goes to so many gateways at a time: one may be cut off or dishonest. */
export const GATEWAYS_PER_MESSAGE = 2;
/** An answer after this is late: a run begins with the accept, which takes a gateway seconds. */
export const FORWARD_LATE_MS = 60_000;
/** Each of a message's places is filled this often, when what was there stayed silent. */
export const FORWARD_TRIES_MAX = 3;
/** Forwards without an answer: to one executor by all gateways, and to all through one gateway. */
export const FORWARDS_PER_TARGET_MAX = 32;
export const FORWARDS_PER_GATEWAY_MAX = 64;
/** Older messages wait for their receiver's own link. */
export const FORWARD_AGE_MS_MAX = 3_600_000;
/** What was forwarded is remembered for longer than it may be forwarded again. */
export const FORWARD_KEEP_MS = 2 * FORWARD_AGE_MS_MAX;
/** Gateways that one look compares. */
export const GATEWAYS_COMPARED_MAX = 16;
/** Messages of one executor that one look reads, and executors that one sweep looks at. */
export const MESSAGES_READ_MAX = 64;
export const TARGETS_MAX = 200;
/** A forward that comes to nothing costs its caller about this. */
export const FAILURE_COST_MS = 30_000;
/** Half of a gateway's failures are forgiven after this; all of it is forgotten after 30 days. */
export const FORGIVE_HALF_LIFE_MS = 600_000;
export const GATEWAY_KEEP_MS = 30 * 86_400_000;
