/** One direction of a channel as a wallet sees it, off the ledger. Payer and payee keep the same. */
import type { Dir } from '../messages/fields.ts';
import { MEMO_EMPTY } from '../tasks/memo.ts';
import type { ChannelPhase, ChannelTerms } from './state.ts';

/** A conditional voucher that is neither settled nor known to be dead. */
export interface OpenCond {
  readonly id: string;
  readonly task: string;
  readonly base: bigint;
  readonly cap: bigint;
  readonly notAfter: number;
  /** min(price of the receipt, cap); null until the receipt exists. */
  readonly price: bigint | null;
  /** A claim is on the ledger, pending or disputed. */
  readonly claimed: boolean;
}

/** `cum` and `memo` of the newest voucher or posted claim. */
export interface BudgetLane {
  readonly cum: bigint;
  readonly memo: string;
  readonly cond: OpenCond | null;
}

export interface Budget {
  readonly terms: ChannelTerms;
  readonly dir: Dir;
  readonly phase: ChannelPhase;
  readonly closeAt: number | null;
  /** All that was ever put in for this direction. */
  readonly fund: bigint;
  readonly lanes: Readonly<Record<number, BudgetLane>>;
}

const UNUSED: BudgetLane = { cum: 0n, memo: MEMO_EMPTY, cond: null };

export function budgetLane(budget: Budget, lane: number): BudgetLane {
  return budget.lanes[lane] ?? UNUSED;
}

export function withLane(budget: Budget, lane: number, next: BudgetLane): Budget {
  return { ...budget, lanes: { ...budget.lanes, [lane]: next } };
}

/** Whether nothing can come of a cond any more: too late to claim it, and nobody has. */
export function isDead(cond: OpenCond, now: number): boolean {
  return !cond.claimed && now > cond.notAfter;
}

/** The most this lane can still come to. */
export function laneExposure(lane: BudgetLane, now: number): bigint {
  if (lane.cond === null || isDead(lane.cond, now)) return lane.cum;
  const most = lane.cond.base + lane.cond.cap;
  if (most > lane.cum) return most;
  return lane.cum;
}

/** Sum over lanes of max(held cum, open base + cap): what the fund has to cover. */
export function exposure(budget: Budget, now: number): bigint {
  let sum = 0n;
  for (const lane of Object.values(budget.lanes)) sum += laneExposure(lane, now);
  return sum;
}

/** Sum of the held totals: what the payee could redeem in all. */
export function heldTotal(budget: Budget): bigint {
  return Object.values(budget.lanes).reduce((sum, lane) => sum + lane.cum, 0n);
}

/** The receipt of a lane's task exists: what is due is known. */
export function receiptMade(budget: Budget, lane: number, price: bigint): Budget {
  const held = budgetLane(budget, lane);
  if (held.cond === null) return budget;
  const capped = price < held.cond.cap ? price : held.cond.cap;
  return withLane(budget, lane, clearPaid({ ...held, cond: { ...held.cond, price: capped } }));
}

/** The lane's claim is on the ledger. */
export function claimFiled(budget: Budget, lane: number): Budget {
  const held = budgetLane(budget, lane);
  if (held.cond === null) return budget;
  return withLane(budget, lane, { ...held, cond: { ...held.cond, claimed: true } });
}

/** The lane's claim ended: at `price` when it posted, null when it was voided. */
export function claimEnded(budget: Budget, lane: number, price: bigint | null): Budget {
  const held = budgetLane(budget, lane);
  if (held.cond === null) return budget;
  const paid = price === null ? 0n : held.cond.base + price;
  if (paid <= held.cum) return withLane(budget, lane, { ...held, cond: null });
  return withLane(budget, lane, { cum: paid, memo: held.cond.id, cond: null });
}

/** The task was rejected or cancelled before its run: its cond will never be claimed. */
export function condDropped(budget: Budget, lane: number): Budget {
  return withLane(budget, lane, { ...budgetLane(budget, lane), cond: null });
}

/** The ledger has paid more on a lane than is held here: somebody else handed in a voucher. */
export function laneSynced(budget: Budget, lane: number, cum: bigint, memo: string): Budget {
  const held = budgetLane(budget, lane);
  if (cum <= held.cum) return budget;
  return withLane(budget, lane, clearPaid({ ...held, cum, memo }));
}

/** Forgets a cond that the held total covers: by its price, or by its cap before that is known. */
export function clearPaid(lane: BudgetLane): BudgetLane {
  if (lane.cond === null || lane.cond.claimed) return lane;
  const due = lane.cond.base + (lane.cond.price ?? lane.cond.cap);
  return lane.cum >= due ? { ...lane, cond: null } : lane;
}
