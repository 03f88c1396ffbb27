import type { Did } from '../identity/did-key.ts';
import type { Dir } from '../messages/fields.ts';
import type { ChannelTerms, PerDir } from './state.ts';

/** What a cond and its receipt say, once both are verified (`claimFiling`). */
export type ClaimFiling = {
  id: string;
  dir: Dir;
  lane: number;
  base: bigint;
  cap: bigint;
  price: bigint;
  task: string;
  receipt: string;
  notAfter: number;
};

/** Who may decide disputes on this network, and how many of them it takes. */
export type Court = { arbiters: readonly Did[]; quorum: number };

/**
 * Everything that can happen to a channel (money.md 4). Signatures are verified before an event
 * is made; `by` is who signed, null when nobody did (the sweep). `available` is the balance of
 * the account that pays. `elsewhere` says what the ledger knows beyond this channel.
 */
export type ChannelEvent =
  | { type: 'open'; terms: ChannelTerms; fund: PerDir<bigint>; by: Did; available: bigint }
  | { type: 'accept'; by: Did; available: bigint }
  | { type: 'cancel'; by: Did | null }
  | RedeemEvent
  | { type: 'topup'; dir: Dir; amount: bigint; nonce: string; by: Did; available: bigint }
  | RollEvent
  | ClaimEvent
  | { type: 'claim.post'; claim: string }
  | { type: 'claim.equivocation'; claim: string; otherReceipt: string }
  | { type: 'dispute.open'; claim: string; by: Did; available: bigint }
  | VerdictEvent
  | { type: 'dispute.deadline'; claim: string }
  | { type: 'close1'; by: Did }
  | { type: 'expire' }
  | { type: 'coopClose'; cum: PerDir<bigint>; notAfter: number; by: readonly Did[] }
  | { type: 'finalize' };

/**
 * A voucher. With `partial` a total that the escrow does not cover pays what is there. Otherwise a
 * payer could spend a micro-unit on another lane and so lock away all that its payee holds.
 */
export type RedeemEvent = {
  type: 'redeem';
  dir: Dir;
  lane: number;
  cum: bigint;
  memo: string;
  via: string;
  partial?: boolean;
};

/** The receiving end of a `paych.roll`: `from` names the channel it was redeemed on. */
export type RollEvent = {
  type: 'roll';
  dir: Dir;
  amount: bigint;
  nonce: string;
  by: Did;
  available: bigint;
  from: { ch: string; dir: Dir };
};

export type ClaimEvent = {
  type: 'claim';
  filing: ClaimFiling;
  by: Did;
  elsewhere: { task: boolean; receipt: boolean };
  /** The creator's objection is on file, and `available` is what it can put down. */
  objected: boolean;
  available: bigint;
  /** As in `RedeemEvent`: the price is lowered to what the escrow covers. */
  partial?: boolean;
};

export type VerdictEvent = {
  type: 'dispute.verdict';
  claim: string;
  /** Id of the `dispute.verdict` body. */
  id: string;
  verdict: 'posted' | 'voided';
  price: bigint;
  signers: readonly Did[];
  court: Court;
};

export type ChannelEventType = ChannelEvent['type'];
