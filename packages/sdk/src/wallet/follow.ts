import {
  type Budget,
  type ChannelAnswer,
  type ClaimAnswer,
  claimEnded,
  claimFiled,
  laneSynced,
} from '@zerostate/shared';
import { releaseDay } from './days.ts';
import {
  isSettled,
  type WalletChange,
  type WalletChannel,
  type WalletState,
  type WalletTask,
} from './model.ts';

/**
 * What an edge's word on a channel changes here. The edge is a stranger: the fund stays what this
 * wallet signed, and no lane rises above what it promised on it. Otherwise an edge could have an
 * executor paid by inventing a total that the next condition would start from.
 */
export function followed(
  state: WalletState,
  channel: WalletChannel,
  answer: ChannelAnswer,
): { budget: Budget; changes: WalletChange[] } {
  let budget: Budget = {
    ...channel.budget,
    // Closed is final, whatever an edge that lags behind may say.
    phase: channel.budget.phase === 'closed' ? 'closed' : answer.state,
    closeAt: answer.close_at,
  };
  const changes: WalletChange[] = [];
  if (budget.phase !== channel.budget.phase || budget.closeAt !== channel.budget.closeAt) {
    changes.push({ kind: 'channel', channel: { ...channel, budget } });
  }
  const days = new Map(state.days);
  for (const claim of answer.claims) {
    const task = state.tasks.get(claim.task);
    if (claim.dir !== budget.dir || task?.ch !== channel.ch || task.lane !== claim.lane) continue;
    budget = claimSeen(budget, task, claim);
    const settled = taskAfterClaim(task, claim);
    if (settled === null) continue;
    changes.push({ kind: 'task', task: settled });
    if (isSettled(settled)) changes.push(releaseDay(days, settled));
  }
  for (const { dir, lane, cum, memo } of answer.lanes) {
    if (dir !== budget.dir || BigInt(cum) > promisedOn(state, channel.ch, lane)) continue;
    budget = laneSynced(budget, lane, BigInt(cum), memo);
  }
  for (const [lane, value] of Object.entries(budget.lanes)) {
    if (value === channel.budget.lanes[Number(lane)]) continue;
    changes.push({ kind: 'lane', ch: channel.ch, lane: Number(lane), value });
  }
  return { budget, changes };
}

/** The highest total that a condition on this lane may still bring it to. */
function promisedOn(state: WalletState, ch: string, lane: number): bigint {
  let most = 0n;
  for (const task of state.tasks.values()) {
    const due = task.base + task.cap;
    if (task.ch === ch && task.lane === lane && due > most) most = due;
  }
  return most;
}

function claimSeen(budget: Budget, task: WalletTask, claim: ClaimAnswer): Budget {
  const { lane, id } = claim;
  const posted = claim.state === 'posted' ? capped(task, claim) : null;
  if (budget.lanes[lane]?.cond?.task !== claim.task) {
    // The task was withdrawn and its lane went on; what the claim paid, it paid on this lane.
    return posted === null ? budget : laneSynced(budget, lane, task.base + posted, id);
  }
  if (claim.state === 'posted' || claim.state === 'voided') return claimEnded(budget, lane, posted);
  return claimFiled(budget, lane);
}

function taskAfterClaim(task: WalletTask, claim: ClaimAnswer): WalletTask | null {
  if (isSettled(task)) return null;
  if (claim.state === 'voided') return { ...task, state: 'voided', delivered: true };
  if (claim.state !== 'posted') {
    // Turned down and claimed all the same: its receipt has to be looked at like any other.
    const state = task.state === 'withdrawn' ? 'offered' : task.state;
    return task.claimed ? null : { ...task, state, claimed: true };
  }
  const price = capped(task, claim);
  return { ...task, state: 'claimed', price, receiptId: claim.receipt, delivered: true };
}

function capped(task: WalletTask, claim: ClaimAnswer): bigint {
  const price = BigInt(claim.price);
  return price < task.cap ? price : task.cap;
}
