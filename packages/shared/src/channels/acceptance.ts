/** The payee's own rules of money.md 3: what it takes without asking the ledger. */
import { AMOUNT_MAX, LANES, TASK_SLACK_MS } from '../limits.ts';
import { type Err, err, ok, type Result } from '../result.ts';
import type { PriceTerms } from '../tasks/price.ts';
import { type CondTerms, condNotAfter, type TaskTerms, type VoucherTerms } from './bodies.ts';
import { type Budget, budgetLane, clearPaid, exposure, isDead, withLane } from './budget.ts';
import type { AcceptanceCode } from './errors.ts';
import { payeeOf } from './state.ts';

/**
 * Takes a plain voucher whose signature is checked: higher than what is held, within the fund,
 * and with time left to redeem it. A closing channel still takes it, because a late voucher pays
 * for work that was done.
 */
export function acceptVoucher(
  budget: Budget,
  voucher: VoucherTerms,
  now: number,
): Result<Budget, AcceptanceCode> {
  const { lane, cum, memo } = voucher;
  if (voucher.ch !== budget.terms.id || voucher.dir !== budget.dir) return err('channel-wrong');
  if (!Number.isInteger(lane) || lane < 0 || lane >= LANES) return err('lane-invalid');
  if (budget.phase !== 'active' && budget.phase !== 'closing') return err('channel-not-active');
  const redeemUntil = budget.closeAt ?? budget.terms.expiresAt + budget.terms.windowMs;
  if (now + TASK_SLACK_MS > redeemUntil) return err('channel-expiring');
  const held = budgetLane(budget, lane);
  if (cum <= held.cum) return err('voucher-not-higher');
  const next = withLane(budget, lane, clearPaid({ ...held, cum, memo }));
  return exposure(next, now) > budget.fund ? err('fund-exceeded') : ok(next);
}

/**
 * Takes a conditional voucher: only on a lane whose previous one is settled or dead, and with a
 * base that covers what is due. Without that rule a payer signs the same base again and the
 * second task is free.
 */
export function acceptCond(
  budget: Budget,
  cond: CondTerms,
  now: number,
): Result<Budget, AcceptanceCode> {
  const { lane, base, cap } = cond;
  if (cond.ch !== budget.terms.id || cond.dir !== budget.dir) return err('channel-wrong');
  if (cond.executor !== payeeOf(budget.terms, budget.dir)) return err('executor-wrong');
  if (!Number.isInteger(lane) || lane < 1 || lane >= LANES) return err('lane-invalid');
  if (cap <= 0n || base < 0n || base + cap > AMOUNT_MAX) return err('cap-invalid');
  if (budget.phase !== 'active') return err('channel-not-active');
  if (budget.terms.expiresAt - now <= budget.terms.windowMs) return err('channel-expiring');
  const held = budgetLane(budget, lane);
  if (held.cond !== null && !isDead(held.cond, now)) return err('lane-busy');
  if (base < held.cum) return err('base-too-low');
  const { id, task, notAfter } = cond;
  const open = { id, task, base, cap, notAfter, price: null, claimed: false };
  const next = withLane(budget, lane, { ...held, cond: open });
  return exposure(next, now) > budget.fund ? err('fund-exceeded') : ok(next);
}

/** What an executor's card promises, and what it can do just now. */
export type ExecutorTerms = {
  meter: string;
  price: Omit<PriceTerms, 'max'>;
  limits: {
    gasMax: bigint;
    pagesMax: bigint;
    wallMsMax: number;
    inputMax: bigint;
    outputMax: bigint;
  };
  /** Measured on this machine. */
  gasPerMs: bigint;
  /** How long the tasks before this one take. */
  queueMs: number;
  /**
   * When the ledger last said that the channel is active; now, if it is not given. The window may
   * have started to run right after that, and with it the time to claim.
   */
  channelSeenAt?: number;
};

/** A task taken: the budget with its cond, and the deadline to sign in `task.accept`. */
export type AcceptedTask = { budget: Budget; deadline: number };

/**
 * Takes a task with its cond, or says why not. What is refused here would be work that might not
 * be paid: the channel could close, or the cond lapse, before the result is claimed.
 */
export function acceptTask(
  budget: Budget,
  offer: { task: TaskTerms; cond: CondTerms },
  own: ExecutorTerms,
  now: number,
): Result<AcceptedTask, AcceptanceCode> {
  const fault =
    pairFault(offer.task, offer.cond) ??
    priceFault(offer.task.price, own.price) ??
    limitFault(offer.task, own) ??
    timeFault(offer.task, budget.terms.windowMs, own, now);
  if (fault !== null) return fault;
  const accepted = acceptCond(budget, offer.cond, now);
  if (!accepted.ok) return accepted;
  return ok({ budget: accepted.value, deadline: now + own.queueMs + offer.task.wallMsMax });
}

type Fault = Err<AcceptanceCode> | null;

function pairFault(task: TaskTerms, cond: CondTerms): Fault {
  if (cond.task !== task.id) return err('task-wrong');
  if (cond.executor !== task.executor) return err('executor-wrong');
  if (cond.cap !== task.price.max) return err('cap-wrong');
  return cond.notAfter === condNotAfter(task) ? null : err('cond-not-after-wrong');
}

function priceFault(asked: PriceTerms, card: Omit<PriceTerms, 'max'>): Fault {
  if (asked.base < card.base) return err('price-below-card', 'price_base');
  if (asked.perMgas < card.perMgas) return err('price-below-card', 'price_per_mgas');
  if (asked.perPage < card.perPage) return err('price-below-card', 'price_per_page');
  return asked.max < asked.base ? err('price-max-below-base') : null;
}

function limitFault(task: TaskTerms, own: ExecutorTerms): Fault {
  if (task.meter !== own.meter) return err('meter-unknown');
  const { limits } = own;
  if (task.gasMax > limits.gasMax) return err('limit-exceeds-card', 'gas_max');
  if (task.pagesMax > limits.pagesMax) return err('limit-exceeds-card', 'pages_max');
  if (task.wallMsMax > limits.wallMsMax) return err('limit-exceeds-card', 'wall_ms_max');
  if (task.inputLen > limits.inputMax) return err('limit-exceeds-card', 'input_len');
  if (task.outputMax > limits.outputMax) return err('limit-exceeds-card', 'output_max');
  // Otherwise the wall clock could end a run whose gas was promised, and a re-run would differ.
  return task.gasMax > own.gasPerMs * BigInt(task.wallMsMax) ? err('gas-exceeds-wall') : null;
}

function timeFault(task: TaskTerms, windowMs: number, own: ExecutorTerms, now: number): Fault {
  const endsAt = now + own.queueMs + task.wallMsMax + TASK_SLACK_MS;
  const windowEndsAt = (own.channelSeenAt ?? now) + windowMs;
  if (endsAt > windowEndsAt) return err('wall-exceeds-window');
  return endsAt > task.notAfter ? err('not-after-too-soon') : null;
}
