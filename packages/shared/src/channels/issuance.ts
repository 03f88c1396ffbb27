/** The payer's mirror of `acceptance.ts`: what an honest wallet signs, decided before it signs. */
import { AMOUNT_MAX, LANES, TASK_SLACK_MS } from '../limits.ts';
import { err, ok, type Result } from '../result.ts';
import { foldMemo } from '../tasks/memo.ts';
import type { CondTerms, VoucherTerms } from './bodies.ts';
import { type Budget, budgetLane, clearPaid, exposure, isDead, withLane } from './budget.ts';

export type IssuanceCode =
  | 'channel-not-active'
  | 'channel-expiring'
  | 'fund-exceeded'
  | 'amount-invalid'
  | 'no-free-lane'
  | 'cond-unknown'
  | 'price-above-cap'
  | 'nothing-due'
  | 'claim-filed';

/** What is signed, and the budget to persist before it is sent. */
export type Issued<T> = { budget: Budget; signed: T };

/**
 * A conditional voucher for one task on a lane that is free: lowest first. A dead cond frees its
 * lane a minute late, because the ledger's clock decides what can still be claimed. `idOfCond`
 * gives the id of the body that will be signed.
 */
export function issueCond(
  budget: Budget,
  task: { id: string; executor: string; cap: bigint; notAfter: number },
  idOfCond: (cond: Omit<CondTerms, 'id'>) => string,
  now: number,
): Result<Issued<CondTerms>, IssuanceCode> {
  if (budget.phase !== 'active') return err('channel-not-active');
  if (budget.terms.expiresAt - now <= budget.terms.windowMs) return err('channel-expiring');
  if (task.cap <= 0n || task.cap > AMOUNT_MAX) return err('amount-invalid');
  const lane = freeLane(budget, now - TASK_SLACK_MS);
  if (lane === null) return err('no-free-lane');
  const held = budgetLane(budget, lane);
  const { cap, notAfter, executor } = task;
  const base = held.cum;
  const { id: ch } = budget.terms;
  const terms = { ch, dir: budget.dir, lane, base, cap, task: task.id, executor, notAfter };
  const id = idOfCond(terms);
  const cond = { id, task: task.id, base, cap, notAfter, price: null, claimed: false };
  const next = withLane(budget, lane, { ...held, cond });
  if (exposure(next, now - TASK_SLACK_MS) > budget.fund) return err('fund-exceeded');
  return ok({ budget: next, signed: { id, ...terms } });
}

function freeLane(budget: Budget, now: number): number | null {
  for (let lane = 1; lane < LANES; lane++) {
    const { cond } = budgetLane(budget, lane);
    if (cond === null || isDead(cond, now)) return lane;
  }
  return null;
}

/**
 * The plain voucher that pays a verified receipt: base + price on the cond's lane. It clears the
 * cond, so the same receipt cannot be paid twice. With a claim on file there is nothing to sign:
 * the claim pays. A receipt without a price needs no voucher: `nothing-due`, and `receiptMade`
 * clears its cond.
 */
export function issuePayment(
  budget: Budget,
  receipt: { id: string; task: string; lane: number; price: bigint },
): Result<Issued<Omit<VoucherTerms, 'id'>>, IssuanceCode> {
  const held = budgetLane(budget, receipt.lane);
  const { cond } = held;
  if (cond === null || cond.task !== receipt.task) return err('cond-unknown');
  if (cond.claimed) return err('claim-filed');
  if (receipt.price < 0n || receipt.price > cond.cap) return err('price-above-cap');
  const cum = cond.base + receipt.price;
  if (cum <= held.cum) return err('nothing-due');
  const memo = foldMemo(held.memo, receipt.id, receipt.price);
  const paid = clearPaid({ cum, memo, cond: { ...cond, price: receipt.price } });
  const { id: ch } = budget.terms;
  const signed = { ch, dir: budget.dir, lane: receipt.lane, cum, memo };
  return ok({ budget: withLane(budget, receipt.lane, paid), signed });
}

/** A payment without a receipt, on lane 0. */
export function issueVoucher(
  budget: Budget,
  amount: bigint,
  now: number,
): Result<Issued<Omit<VoucherTerms, 'id'>>, IssuanceCode> {
  if (budget.phase !== 'active') return err('channel-not-active');
  if (amount <= 0n || amount > AMOUNT_MAX) return err('amount-invalid');
  const held = budgetLane(budget, 0);
  const cum = held.cum + amount;
  const next = withLane(budget, 0, { ...held, cum });
  if (exposure(next, now - TASK_SLACK_MS) > budget.fund) return err('fund-exceeded');
  const { id: ch } = budget.terms;
  return ok({ budget: next, signed: { ch, dir: budget.dir, lane: 0, cum, memo: held.memo } });
}
