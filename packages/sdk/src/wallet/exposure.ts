/** How much of a channel's fund, and of the caller's budgets, is already spoken for. */
import { type Budget, isDead, laneExposure, TASK_SLACK_MS } from '@zerostate/shared';
import { dayOf, isSettled, type WalletState } from './model.ts';

/**
 * The most a channel can still cost: for each lane the highest of what was paid, what its open
 * cond may come to, and what a withdrawn cond on it may still be claimed for. Conds of one lane
 * share a base, so the highest counts and not their sum.
 */
export function exposureOf(state: WalletState, ch: string, budget: Budget, now: number): bigint {
  // The ledger's clock decides when a cond is dead; this one may be ahead of it.
  const then = now - TASK_SLACK_MS;
  const most = new Map<number, bigint>();
  for (const [lane, held] of Object.entries(budget.lanes)) {
    most.set(Number(lane), laneExposure(held, then));
  }
  for (const task of state.tasks.values()) {
    // A withdrawn task, or one that was objected to after that, is on its lane no more.
    if (task.ch !== ch || isSettled(task)) continue;
    const due = task.base + task.cap;
    if (due > (most.get(task.lane) ?? 0n)) most.set(task.lane, due);
  }
  let sum = 0n;
  for (const amount of most.values()) sum += amount;
  return sum;
}

/** What the tasks signed today (UTC) cost or may still cost. */
export function reservedToday(state: WalletState, now: number): bigint {
  return state.days.get(dayOf(now)) ?? 0n;
}

/**
 * The budget with every dead cond marked as claimed. A dead cond frees its lane only once somebody
 * looked at the ledger and found no claim: until then its lane is not used again.
 */
export function withDeadLanesBusy(budget: Budget, now: number): Budget {
  const lanes = Object.entries(budget.lanes).map(([lane, held]) => {
    const { cond } = held;
    if (cond === null || !isDead(cond, now - TASK_SLACK_MS)) return [lane, held];
    return [lane, { ...held, cond: { ...cond, claimed: true } }];
  });
  return { ...budget, lanes: Object.fromEntries(lanes) };
}
