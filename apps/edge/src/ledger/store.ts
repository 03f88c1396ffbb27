/**
 * The ledger: the only writer of LEDGER_URL. Every operation checks signatures, reads, decides by
 * the shared lifecycle and writes one guarded batch; an expected refusal comes back as its code.
 */
import type {
  AccountAnswer,
  ConservationAnswer,
  Envelope,
  ReceiptAnswer,
  Redemption,
  ReputationAnswer,
  TaskCancel,
  TaskObjection,
} from '@zerostate/shared';
import type { IdempotencyClaim, StoredAnswer } from '../http/idempotency.ts';
import { createLedgerView, type LedgerView } from '../ledger-view.ts';
import { fileClaim, postClaim } from './claims.ts';
import { close1Channel, closeChannel, finalizeChannel } from './closing.ts';
import type { LedgerResult } from './codes.ts';
import { giveVerdict, objectReceipt, showEquivocation } from './disputes.ts';
import {
  type Failure,
  readReceipt,
  readReputation,
  readReputations,
  recordCancel,
  recordFailure,
} from './evidence.ts';
import { rollChannel, topupChannel } from './funding.ts';
import { acceptChannel, cancelChannel, openChannel } from './opening.ts';
import { readFrom } from './operate.ts';
import type { LedgerPorts } from './ports.ts';
import { credit, faucet } from './rails/deposits.ts';
import {
  debit,
  readWithdrawal,
  readWithdrawals,
  type WithdrawalFilter,
  withdraw,
} from './rails/withdrawals.ts';
import * as reads from './reads.ts';
import { type Redeemed, redeem } from './redeem.ts';
import { text } from './snapshot.ts';
import { depositVoucher } from './vouchers.ts';

export type Idem = IdempotencyClaim | null;
/** The channel that the route names; a body for another one is refused. */
export type Expected = { ch?: string; by?: string };
/** JSON text of the answer, the same bytes that are stored under the idempotency key. */
export type AnswerText = string;

type ReturnOf<F extends (...args: never[]) => unknown> = Promise<
  LedgerResult<Awaited<ReturnType<F>>>
>;

export interface Ledger extends LedgerView {
  openChannel(open: unknown, idem: Idem): Promise<LedgerResult<AnswerText>>;
  acceptChannel(open: unknown, idem: Idem, at?: Expected): Promise<LedgerResult<AnswerText>>;
  cancelChannel(cancel: unknown, idem: Idem, at?: Expected): Promise<LedgerResult<AnswerText>>;
  depositVoucher(voucher: unknown, at?: Expected): Promise<LedgerResult<AnswerText>>;
  redeem(
    redemptions: readonly Redemption[],
    idem: Idem,
    at?: Expected,
  ): Promise<LedgerResult<Redeemed>>;
  closeChannel(close: unknown, idem: Idem, at?: Expected): Promise<LedgerResult<AnswerText>>;
  close1Channel(close1: unknown, idem: Idem, at?: Expected): Promise<LedgerResult<AnswerText>>;
  finalizeChannel(ch: string, idem: Idem): Promise<LedgerResult<AnswerText>>;
  topupChannel(topup: unknown, idem: Idem, at?: Expected): Promise<LedgerResult<AnswerText>>;
  rollChannel(roll: unknown, idem: Idem, at?: Expected): Promise<LedgerResult<AnswerText>>;

  /** `by` files: it must be the payee. */
  fileClaim(
    filing: { cond: unknown; receipt: unknown },
    by: string,
    idem: Idem,
  ): Promise<LedgerResult<AnswerText>>;
  postClaim(id: string, idem: Idem): Promise<LedgerResult<AnswerText>>;
  giveVerdict(verdict: unknown, at?: { claim?: string }): Promise<LedgerResult<AnswerText>>;
  showEquivocation(claim: string, receipt: unknown): Promise<LedgerResult<AnswerText>>;
  recordObjection(objection: {
    envelope: Envelope<TaskObjection>;
    creator: string;
  }): Promise<LedgerResult<void>>;
  recordCancel(cancel: {
    id: string;
    task: string;
    envelope: Envelope<TaskCancel>;
  }): Promise<LedgerResult<void>>;
  /** Throws when the database does not answer: the caller repeats. */
  recordFailure(failure: Failure): Promise<void>;

  faucet(did: string, amount: bigint, idem: IdempotencyClaim): Promise<LedgerResult<AnswerText>>;
  credit(credit: unknown, idem: Idem): Promise<LedgerResult<AnswerText>>;
  withdraw(withdraw: unknown, idem: Idem): Promise<LedgerResult<AnswerText>>;
  debit(debit: unknown, idem: Idem): Promise<LedgerResult<AnswerText>>;
  withdrawal(id: string): Promise<LedgerResult<{ json: AnswerText; owner: string }>>;
  withdrawals(
    filter: WithdrawalFilter,
    page: { after: number; limit: number },
  ): Promise<LedgerResult<AnswerText>>;

  account(did: string): Promise<LedgerResult<AccountAnswer>>;
  channel(ch: string): Promise<LedgerResult<{ json: AnswerText; version: number }>>;
  channels(did: string, page: { cursor: string; limit: number }): Promise<LedgerResult<AnswerText>>;
  claim(id: string): Promise<LedgerResult<AnswerText>>;
  receipt(id: string): Promise<LedgerResult<ReceiptAnswer>>;
  reputation(did: string): Promise<LedgerResult<ReputationAnswer>>;
  /** Scores of those DIDs that have evidence. Throws when the database does not answer. */
  reputations(dids: readonly string[]): Promise<ReadonlyMap<string, { score: number; n: number }>>;
  conservation(): Promise<LedgerResult<ConservationAnswer>>;
  transfers(after: number, limit: number): ReturnOf<typeof reads.readTransfers>;
  seals(after: number, limit: number): ReturnOf<typeof reads.readSeals>;
  /** null: the cursor is not one of this list. */
  lanes(cursor: string | undefined, limit: number): ReturnOf<typeof reads.readLanes>;
  claims(filter: reads.ClaimFilter, limit: number): ReturnOf<typeof reads.readClaims>;
  /** The answer stored under an idempotency key. */
  find(claim: IdempotencyClaim): Promise<StoredAnswer | null>;
}

export function createLedger(ports: LedgerPorts): Ledger {
  const { database } = ports;
  const value = <T>(read: Promise<T>) =>
    readFrom(async () => ({ ok: true, value: await read }) as const);
  return {
    openChannel: (open, idem) => openChannel(ports, open, idem),
    acceptChannel: (open, idem, at) => acceptChannel(ports, open, idem, at),
    cancelChannel: (cancel, idem, at) => cancelChannel(ports, cancel, idem, at),
    depositVoucher: (voucher, at) => depositVoucher(ports, voucher, at),
    redeem: (redemptions, idem, at) => redeem(ports, redemptions, idem, at),
    closeChannel: (close, idem, at) => closeChannel(ports, close, idem, at),
    close1Channel: (close1, idem, at) => close1Channel(ports, close1, idem, at),
    finalizeChannel: (ch, idem) => finalizeChannel(ports, ch, idem),
    topupChannel: (topup, idem, at) => topupChannel(ports, topup, idem, at),
    rollChannel: (roll, idem, at) => rollChannel(ports, roll, idem, at),

    fileClaim: (filing, by, idem) => fileClaim(ports, filing, by, idem),
    postClaim: (id, idem) => postClaim(ports, id, idem),
    giveVerdict: (verdict, at) => giveVerdict(ports, verdict, at),
    showEquivocation: (claim, receipt) => showEquivocation(ports, claim, receipt),
    recordObjection: ({ envelope, creator }) => objectReceipt(ports, envelope, creator),
    recordCancel: (cancel) => recordCancel(ports, cancel),
    async recordFailure(failure) {
      const recorded = await recordFailure(ports, failure);
      if (!recorded.ok) throw new Error(`the failure of a task was not recorded: ${recorded.code}`);
    },

    faucet: (did, amount, idem) => faucet(ports, did, amount, idem),
    credit: (envelope, idem) => credit(ports, envelope, idem),
    withdraw: (envelope, idem) => withdraw(ports, envelope, idem),
    debit: (envelope, idem) => debit(ports, envelope, idem),
    withdrawal: (id) => readFrom(() => readWithdrawal(ports, id)),
    withdrawals: (filter, page) => value(readWithdrawals(ports, filter, page)),

    account: (did) => value(reads.readAccount(database, did)),
    channel: (ch) => readFrom(() => reads.readChannel(database, ch)),
    channels: (did, page) => value(reads.readChannels(database, did, page)),
    claim: (id) => readFrom(() => reads.readClaimAnswer(database, id)),
    receipt: (id) => readFrom(() => readReceipt(ports, id)),
    reputation: (did) => value(readReputation(ports, did)),
    conservation: () => value(reads.readConservation(database)),
    transfers: (after, limit) => value(reads.readTransfers(database, after, limit)),
    seals: (after, limit) => value(reads.readSeals(database, after, limit)),
    lanes: (cursor, limit) => value(reads.readLanes(database, cursor, limit)),
    claims: (filter, limit) => value(reads.readClaims(database, filter, limit)),
    find: (claim) => findAnswer(ports, claim),

    reputations: (dids) => readReputations(ports, dids),
    ...createLedgerView(database),
  };
}

async function findAnswer(
  { database }: LedgerPorts,
  claim: IdempotencyClaim,
): Promise<StoredAnswer | null> {
  const [row] = await database.read({
    sql: 'SELECT body_hash, status, response FROM idem WHERE did = ?1 AND route = ?2 AND key = ?3',
    args: [claim.did, claim.route, claim.key],
  });
  if (row === undefined) return null;
  const status = Number(row.status) === 201 ? 201 : 200;
  return { request: text(row.body_hash), status, body: text(row.response) };
}
