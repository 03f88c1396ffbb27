import type { NetworkAnswer, Signer, Verifier } from '@zerostate/shared';
import type { EdgeClient } from '../edge-client.ts';
import type { EdgeFailure } from '../http/outcome.ts';
import type { Clock, Rng, Timers } from '../ports.ts';
import type { ModuleStore } from '../verify/modules.ts';
import type { Rerun } from '../verify/rerun.ts';
import type { Wallet } from '../wallet/wallet.ts';
import type { KnownCards } from './candidates.ts';
import type { SentOrders } from './sent-orders.ts';

/** What the six steps need of the network: an edge has it, and so has the mesh with a gateway. */
export type CallerEdge = Pick<
  EdgeClient,
  | 'account'
  | 'cancelChannel'
  | 'card'
  | 'channel'
  | 'close'
  | 'close1'
  | 'finalize'
  | 'getBlob'
  | 'object'
  | 'openChannel'
  | 'putBlob'
  | 'receipt'
  | 'search'
  | 'submitTask'
  | 'task'
  | 'voucher'
>;

/** What every part of a connected client works with. */
export interface ClientContext {
  readonly edge: CallerEdge;
  readonly wallet: Wallet;
  readonly signer: Signer;
  readonly verifier: Verifier;
  readonly network: NetworkAnswer;
  readonly rerun: Rerun;
  readonly modules: ModuleStore;
  readonly orders: SentOrders;
  readonly cards: KnownCards;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly timers: Timers;
}

/** A failure of any part: its code, and what it was about. */
export type Failure = { ok: false; code: string; detail?: string };

export function fail(code: string, detail?: string): Failure {
  return detail === undefined ? { ok: false, code } : { ok: false, code, detail };
}

/** Codes of 4xx that speak of an earlier copy of the same request, which did arrive. */
const ARRIVED_BEFORE = ['idempotency-in-progress', 'nonce-reused', 'channel-exists'];

/** Whether neither this request nor an attempt at it counts: it was refused, or never sent. */
export function isRefusal({ problem, isSent }: EdgeFailure): boolean {
  if (isSent === false) return true;
  if (problem === undefined || ARRIVED_BEFORE.includes(problem.code)) return false;
  return problem.status >= 400 && problem.status < 500;
}

/** Whether the edge knows nothing of what was asked for. */
export function isUnknown({ problem }: EdgeFailure): boolean {
  return problem?.status === 404;
}
