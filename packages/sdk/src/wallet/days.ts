import { dayOf, type WalletChange, type WalletTask } from './model.ts';

/** Counts a new task's cap on its day. */
export function reserveDay(days: Map<number, bigint>, at: number, cap: bigint): WalletChange {
  const day = dayOf(at);
  const reserved = (days.get(day) ?? 0n) + cap;
  days.set(day, reserved);
  return { kind: 'day', day, reserved };
}

/** A settled task counts with what it cost, no more with its cap. */
export function releaseDay(days: Map<number, bigint>, task: WalletTask): WalletChange {
  const day = dayOf(task.at);
  const cost = task.state === 'paid' || task.state === 'claimed' ? (task.price ?? 0n) : 0n;
  const reserved = (days.get(day) ?? 0n) - task.cap + cost;
  days.set(day, reserved);
  return { kind: 'day', day, reserved };
}
