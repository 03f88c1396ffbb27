/** What a rail is: a way for money to cross the border between this ledger and the world outside. */
import type { LedgerResult } from '../codes.ts';

export type RailName = 'faucet' | 'operator';

/** Money that a rail vouches for. `reference` is the world's name of it and counts once. */
export type Deposit = {
  reference: string;
  did: string;
  /** Micro-units. */
  amount: bigint;
  /** The signed word behind it, kept with the money; null when the rail's own rule suffices. */
  order: SignedWord | null;
};

/** What became of a withdrawal outside. */
export type Settlement = {
  withdrawal: string;
  did: string;
  amount: bigint;
  outcome: 'done' | 'failed';
  /** The payment outside; null when nothing was paid. */
  reference: string | null;
  reason: string | null;
  operator: string;
  order: SignedWord;
};

export type SignedWord = { id: string; type: string; envelope: unknown };

/**
 * A rail says what counts as its word; the ledger does the rest, the same for all of them: an event
 * is pending before anybody outside is asked for anything, and moves money once, when it ends.
 */
export interface Rail<DepositWord> {
  readonly name: RailName;
  /**
   * What came in, or why this word does not count. `now` reads the ledger's clock, ms: only for a
   * word whose signature holds.
   */
  deposit(
    word: DepositWord,
    now: () => Promise<LedgerResult<number>>,
  ): Promise<LedgerResult<Deposit>>;
  /** How it pays out; null where nothing ever leaves. */
  readonly payout: {
    /** Whether anybody is there to pay. */
    isOpen: boolean;
    /** What an answer from outside says, or why it does not count. */
    settlement(word: unknown): Promise<LedgerResult<Settlement>>;
  } | null;
}
