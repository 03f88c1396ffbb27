import type { EdgeClient } from '@zerostate/sdk';
import { MAILBOX_REDEEM_MS, type Signer, type Verifier } from '@zerostate/shared';
import type { Clock, Log } from '../ports.ts';
import type { Database } from '../state/database.ts';
import type { Pinned } from '../state/store.ts';
import type { Book } from './book.ts';

/** When a payee redeems by itself (money.md 3, exposure rule). */
export interface ExposurePolicy {
  /** Unredeemed above this share of the fund, in hundredths. */
  percentMax: bigint;
  /** The oldest unredeemed voucher, ms. */
  ageMsMax: number;
  /** Own budgets are refilled from income below this share of their fund, in hundredths; 0: never. */
  spendablePercent?: bigint;
}

/** Ages are looked at this often. */
export const AGE_LOOK_MS = 30_000;

/**
 * The longest that a voucher may be held. The edge's sweep redeems what is in its mailbox for
 * MAILBOX_REDEEM_MS, without the receipts: money that counts for no reputation. A minute is for the
 * way there.
 */
export const REDEEM_AGE_MS_MAX = MAILBOX_REDEEM_MS - AGE_LOOK_MS - 60_000;

export const DEFAULT_EXPOSURE: ExposurePolicy = {
  percentMax: 10n,
  ageMsMax: 600_000,
  spendablePercent: 20n,
};

/** What every part of the wallet works with. */
export interface WalletContext {
  database: Database;
  book: Book;
  edge: EdgeClient;
  pinned: Pinned;
  signer: Signer;
  verifier: Verifier;
  clock: Clock;
  log: Log;
  exposure: ExposurePolicy;
  /** The base price of the node's cheapest card, 0 without one: the least a payer's fund holds. */
  cheapestBase: () => bigint;
  /** Something was put into the outbox. */
  kick: () => void;
}

/** Why a message is not taken: `error {re, code}` on the link. */
export type Refusal = { code: string; detail?: string };

export function refusal(failure: { code: string; detail?: string }): Refusal {
  const { code, detail } = failure;
  return detail === undefined ? { code } : { code, detail };
}
