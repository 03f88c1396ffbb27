/** What a caller's wallet remembers. Amounts are micro-units, times ms since the epoch. */
import type {
  Budget,
  BudgetLane,
  Envelope,
  PaychClose,
  PaychCond,
  PaychOpen,
  PaychVoucher,
  TaskManifest,
  TaskObjection,
  TaskReceipt,
} from '@zerostate/shared';

/** A channel this wallet pays in. */
export interface WalletChannel {
  readonly ch: string;
  readonly peer: string;
  /** The payer's mirror of what the channel may still come to; its lanes are kept row by row. */
  readonly budget: Budget;
  readonly open: Envelope<PaychOpen>;
  /** A signed cooperative close: from then on nothing more is signed in this channel. */
  readonly close: Envelope<PaychClose> | null;
  readonly at: number;
}

/**
 * offered: the cond may become due (in flight, failed or never heard of again).
 * withdrawn: rejected or never taken. Its lane is free again, its cap still counts until it is dead.
 * objected: the receipt was wrong; a claim on it starts disputed.
 * paid, claimed (the ledger posted it), voided (the ledger did not), lapsed (never claimed): final.
 */
export type WalletTaskState =
  | 'offered'
  | 'withdrawn'
  | 'objected'
  | 'paid'
  | 'claimed'
  | 'voided'
  | 'lapsed';

export interface WalletTask {
  readonly task: string;
  readonly ch: string;
  readonly lane: number;
  readonly state: WalletTaskState;
  readonly base: bigint;
  readonly cap: bigint;
  /** Of the cond: past it, and a minute for the clocks, nobody can claim. */
  readonly notAfter: number;
  readonly at: number;
  readonly manifest: Envelope<TaskManifest>;
  readonly cond: Envelope<PaychCond>;
  readonly receiptId: string | null;
  readonly receipt: Envelope<TaskReceipt> | null;
  readonly price: bigint | null;
  readonly voucher: Envelope<PaychVoucher> | null;
  readonly objection: Envelope<TaskObjection> | null;
  /** A claim of this task is on the ledger, pending or disputed. */
  readonly claimed: boolean;
  /** Whether the edge has the voucher or objection. Sent again until it has. */
  readonly delivered: boolean;
}

/** What of it all still matters; settled tasks stay in the store. */
export interface WalletState {
  /** Rises with each commit; a commit on an older version is refused. */
  version: number;
  readonly channels: Map<string, WalletChannel>;
  readonly tasks: Map<string, WalletTask>;
  /** What the tasks of each day (UTC, days since the epoch) cost or may cost. */
  readonly days: Map<number, bigint>;
}

export type WalletChange =
  | { readonly kind: 'channel'; readonly channel: WalletChannel }
  | {
      readonly kind: 'lane';
      readonly ch: string;
      readonly lane: number;
      readonly value: BudgetLane;
    }
  | { readonly kind: 'task'; readonly task: WalletTask }
  | { readonly kind: 'day'; readonly day: number; readonly reserved: bigint };

const SETTLED: readonly WalletTaskState[] = ['paid', 'claimed', 'voided', 'lapsed'];

/** Nothing can come of the task any more. */
export function isSettled(task: WalletTask): boolean {
  return SETTLED.includes(task.state);
}

/** Nothing can come of the task any more, and nothing has to be sent for it. */
export function isDone(task: WalletTask): boolean {
  return isSettled(task) && task.delivered;
}

export function dayOf(at: number): number {
  return Math.floor(at / 86_400_000);
}

/** The same changes that a store writes, on the copy in memory. */
export function applyChanges(state: WalletState, changes: readonly WalletChange[]): void {
  for (const change of changes) applyChange(state, change);
  state.version++;
}

function applyChange(state: WalletState, change: WalletChange): void {
  switch (change.kind) {
    case 'channel':
      state.channels.set(change.channel.ch, change.channel);
      break;
    case 'lane':
      applyLane(state, change.ch, change.lane, change.value);
      break;
    case 'task':
      if (isDone(change.task)) state.tasks.delete(change.task.task);
      else state.tasks.set(change.task.task, change.task);
      break;
    case 'day':
      state.days.set(change.day, change.reserved);
      break;
  }
}

function applyLane(state: WalletState, ch: string, lane: number, value: BudgetLane): void {
  const channel = state.channels.get(ch);
  if (channel === undefined) throw new Error(`lane of unknown channel ${ch}`);
  const lanes = { ...channel.budget.lanes, [lane]: value };
  state.channels.set(ch, { ...channel, budget: { ...channel.budget, lanes } });
}
