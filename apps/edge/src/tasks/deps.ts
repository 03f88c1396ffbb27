import type { Envelope, TaskAccept, TaskCancel, TaskObjection, Verifier } from '@zerostate/shared';
import type { ProblemCode } from '../http/problem.ts';
import type { LedgerView } from '../ledger-view.ts';
import type { Clock, Database, Hub, Metrics } from '../ports.ts';

/** What tasks tell the ledger. Each may be repeated: the ledger counts it once. */
export interface TaskLedger extends LedgerView {
  /** Keeps an objection, so that a claim on its receipt starts disputed. */
  recordObjection(objection: {
    id: string;
    envelope: Envelope<TaskObjection>;
    task: string;
    creator: string;
    executor: string;
  }): Promise<{ ok: true } | { ok: false; code: ProblemCode; detail?: string }>;
  /** Keeps a creator's cancel: whatever becomes of its task is no failure of the executor. */
  recordCancel(cancel: {
    id: string;
    task: string;
    envelope: Envelope<TaskCancel>;
  }): Promise<{ ok: true } | { ok: false; code: ProblemCode; detail?: string }>;
  /** Counts an accepted task that passed its deadline, or was given up, against its executor. */
  recordFailure(failure: {
    task: string;
    executor: string;
    creator: string;
    accept: Envelope<TaskAccept>;
    acceptedAt: number;
    /** What its cond reserved, micro-units. */
    cap: bigint;
  }): Promise<void>;
}

export type TaskDeps = {
  directory: Database;
  clock: Clock;
  hub: Hub;
  metrics: Metrics;
  verifier: Verifier;
  network: string;
  ledger: TaskLedger;
  arbiters: readonly string[];
};

/** Where a task's waiters listen. */
export function taskTopic(id: string): string {
  return `task:${id}`;
}
