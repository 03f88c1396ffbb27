import type { EdgeClient } from '@zerostate/sdk';
import type { Signer, Verifier } from '@zerostate/shared';
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
}

export const DEFAULT_EXPOSURE: ExposurePolicy = { percentMax: 10n, ageMsMax: 900_000 };

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
