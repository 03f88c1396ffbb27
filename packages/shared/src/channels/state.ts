import type { Did } from '../identity/did-key.ts';
import type { Dir } from '../messages/fields.ts';

/** A value for each direction; `a` is money that party a pays. Amounts are micro-units. */
export type PerDir<T> = { readonly a: T; readonly b: T };

/** Set by the signed `paych.open` body and never changed. Times are ms since the epoch. */
export interface ChannelTerms {
  /** Id of the `paych.open` body. */
  readonly id: string;
  readonly a: Did;
  readonly b: Did;
  /** The party whose signature came first. */
  readonly openedBy: Dir;
  readonly openBy: number;
  readonly expiresAt: number;
  readonly windowMs: number;
  readonly claimMs: number;
}

export type ChannelPhase = 'opening' | 'active' | 'closing' | 'closed';

/** What the ledger has paid on one lane; `via` is the voucher or claim that raised it last. */
export interface LaneState {
  readonly cum: bigint;
  readonly via: string;
  readonly memo: string;
}

export type ClaimPhase = 'pending' | 'disputed' | 'posted' | 'voided';

/** A conditional voucher with its receipt, as filed by the payee. */
export interface ClaimState {
  /** Id of the `paych.cond` body. */
  readonly id: string;
  readonly dir: Dir;
  readonly lane: number;
  readonly base: bigint;
  readonly cap: bigint;
  readonly price: bigint;
  readonly task: string;
  readonly receipt: string;
  readonly notAfter: number;
  readonly at: number;
  readonly postAt: number;
  readonly phase: ClaimPhase;
  /** Id of a `dispute.verdict`, or `coop`, `deadline`, `equivocation:<receipt>:<receipt>`. */
  readonly verdict: string | null;
  /** What the creator put down with its objection; 0 when nothing is held. */
  readonly bond: bigint;
}

/**
 * One channel as the ledger and both wallets hold it. Plain immutable data: amounts are bigint,
 * times are numbers (whole ms, exact below 2^53).
 */
export interface ChannelState {
  readonly terms: ChannelTerms;
  readonly phase: ChannelPhase;
  /** All that was ever put in for a direction, and what of it is still in escrow. */
  readonly fund: PerDir<bigint>;
  readonly escrow: PerDir<bigint>;
  readonly lanes: PerDir<Readonly<Record<number, LaneState>>>;
  readonly claims: Readonly<Record<string, ClaimState>>;
  /** Nonces of top-ups and rolls into this channel: `<dir>:<nonce>`. */
  readonly nonces: readonly string[];
  readonly closeAt: number | null;
  /** Totals of the cooperative close. */
  readonly final: PerDir<bigint> | null;
}

/**
 * Arbiters have this long after the claim was due; then it posts. Counted from post_at because
 * that is on the ledger, where the moment of the dispute is not.
 */
export const DISPUTE_MS_MAX = 7 * 86_400_000;

/** The party that pays in this direction. */
export function payerOf(terms: ChannelTerms, dir: Dir): Did {
  return dir === 'a' ? terms.a : terms.b;
}

/** The party that is paid in this direction. */
export function payeeOf(terms: ChannelTerms, dir: Dir): Did {
  return dir === 'a' ? terms.b : terms.a;
}

/** The direction in which a party pays; null for a stranger. */
export function dirOf(terms: ChannelTerms, did: Did | null): Dir | null {
  return did === terms.a ? 'a' : did === terms.b ? 'b' : null;
}

/** What a lane has paid. */
export function laneCum(state: ChannelState, dir: Dir, lane: number): bigint {
  return state.lanes[dir][lane]?.cum ?? 0n;
}

/** What all lanes of a direction have paid; fund = escrow + redeemed while the channel is open. */
export function redeemedTotal(state: ChannelState, dir: Dir): bigint {
  return Object.values(state.lanes[dir]).reduce((sum, lane) => sum + lane.cum, 0n);
}

/** Whether a claim is still to be decided. */
export function isLiveClaim(claim: ClaimState): boolean {
  return claim.phase === 'pending' || claim.phase === 'disputed';
}

/** What the live claims of a direction may still draw from its escrow. */
export function claimedTotal(state: ChannelState, dir: Dir): bigint {
  let sum = 0n;
  for (const claim of Object.values(state.claims)) {
    if (claim.dir !== dir || !isLiveClaim(claim)) continue;
    const due = claim.base + claim.price - laneCum(state, dir, claim.lane);
    if (due > 0n) sum += due;
  }
  return sum;
}

/** A copy with one direction's value replaced. */
export function withDir<T>(pair: PerDir<T>, dir: Dir, value: T): PerDir<T> {
  return dir === 'a' ? { a: value, b: pair.b } : { a: pair.a, b: value };
}
