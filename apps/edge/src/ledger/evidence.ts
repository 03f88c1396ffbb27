/** What the ledger proves about an executor, and the score that follows from it. */
import {
  type Envelope,
  type EpochEvidence,
  err,
  ok,
  performanceParts,
  type ReceiptAnswer,
  type ReputationAnswer,
  scorePerformance,
  type TaskAccept,
  type TaskCancel,
  type TaskReceipt,
} from '@zerostate/shared';
import { asc, inArray } from 'drizzle-orm';
import type { LedgerResult } from './codes.ts';
import { operate } from './operate.ts';
import type { LedgerPorts } from './ports.ts';
import { big, text } from './snapshot.ts';
import { carryOut } from './statements.ts';
import { receiptTable, scoreTable } from './tables.ts';

export type Failure = {
  task: string;
  executor: string;
  creator: string;
  accept: Envelope<TaskAccept>;
  acceptedAt: number;
  /** What its cond reserved, micro-units: the cost of a failure. */
  cap: bigint;
};

/** Counts an accepted task that came to nothing, once, if nobody paid for it or took it back. */
export async function recordFailure(
  ports: LedgerPorts,
  failure: Failure,
): Promise<LedgerResult<void>> {
  const { task, executor, creator, accept, acceptedAt, cap } = failure;
  return operate(ports, async () => {
    const known = await ports.database.read({
      sql: `SELECT 1 FROM failure WHERE task = ?1 UNION ALL SELECT 1 FROM receipt WHERE task = ?1
            UNION ALL SELECT 1 FROM claim WHERE task = ?1
            UNION ALL SELECT 1 FROM instruction WHERE ref = ?1 AND type = 'task.cancel'`,
      args: [task],
    });
    if (known.length > 0) return ok({ statements: [], answer: () => undefined });
    const durationMs = Math.max(0, Number(accept.body.deadline) - acceptedAt);
    const sql = `INSERT INTO failure(task, executor, creator, duration_ms, cost, accept, at)
      SELECT ?1, ?2, ?3, ?4, ?5, ?6, now_ms FROM clock`;
    const args = [task, executor, creator, durationMs, cap, JSON.stringify(accept)];
    return ok({ statements: [{ sql, args }], answer: () => undefined });
  });
}

/** Keeps a creator's cancel of its task, once. */
export async function recordCancel(
  ports: LedgerPorts,
  cancel: { id: string; task: string; envelope: Envelope<TaskCancel> },
): Promise<LedgerResult<void>> {
  const { id, task, envelope } = cancel;
  return operate(ports, async () => {
    const sql = 'SELECT 1 FROM instruction WHERE id = ?1';
    const known = await ports.database.read({ sql, args: [id] });
    const order = carryOut({ id, type: 'task.cancel', ref: task, envelope });
    return ok({ statements: known.length > 0 ? [] : [order], answer: () => undefined });
  });
}

type Epochs = ReadonlyMap<string, EpochEvidence[]>;

async function readEpochs(ports: LedgerPorts, dids: readonly string[]): Promise<Epochs> {
  const rows = await ports.database.drizzle
    .select()
    .from(scoreTable)
    .where(inArray(scoreTable.subject, [...dids]))
    .orderBy(asc(scoreTable.subject), asc(scoreTable.epoch));
  const epochs = new Map<string, EpochEvidence[]>();
  for (const row of rows) {
    const known = epochs.get(row.subject) ?? [];
    known.push({
      epoch: row.epoch,
      ok: row.nOk,
      fail: row.nFail,
      durationMsOk: row.durationMs,
      costMicro: row.cost,
      lastAt: row.lastAt,
    });
    epochs.set(row.subject, known);
  }
  return epochs;
}

async function readNow(ports: LedgerPorts): Promise<number> {
  const [row] = await ports.database.read({ sql: 'SELECT now_ms FROM clock', args: [] });
  return Number(big(row?.now_ms));
}

/** The profile `performance-v1` of one DID, with the parts of its newest epoch. */
export async function readReputation(ports: LedgerPorts, did: string): Promise<ReputationAnswer> {
  const [epochs, now] = await Promise.all([readEpochs(ports, [did]), readNow(ports)]);
  const evidence = epochs.get(did) ?? [];
  const { n, score, suspendedUntil } = scorePerformance(evidence, now);
  const last = evidence.at(-1);
  return {
    did,
    profile: 'performance-v1',
    score,
    n,
    ok: evidence.reduce((sum, epoch) => sum + epoch.ok, 0),
    failed: evidence.reduce((sum, epoch) => sum + epoch.fail, 0),
    parts: partsOf(evidence),
    suspended_until: suspendedUntil,
    updated_at: last?.lastAt ?? null,
  };
}

/** What the newest epoch's raw score is made of; nothing is known without evidence. */
function partsOf(evidence: readonly EpochEvidence[]): ReputationAnswer['parts'] {
  const last = evidence.at(-1);
  const first = evidence[0];
  if (last === undefined || first === undefined) {
    return { success: 0, speed: 0, cost: 0, longevity: 0 };
  }
  return performanceParts(last, last.epoch - first.epoch);
}

/** Scores of those DIDs that have evidence. */
export async function readReputations(
  ports: LedgerPorts,
  dids: readonly string[],
): Promise<ReadonlyMap<string, { score: number; n: number }>> {
  if (dids.length === 0) return new Map();
  const [epochs, now] = await Promise.all([readEpochs(ports, dids), readNow(ports)]);
  const scores = new Map<string, { score: number; n: number }>();
  for (const [did, evidence] of epochs) {
    const { score, n } = scorePerformance(evidence, now);
    scores.set(did, { score, n });
  }
  return scores;
}

/** A receipt by its id: what it says, and whether money has counted it. */
export async function readReceipt(
  ports: LedgerPorts,
  id: string,
): Promise<LedgerResult<ReceiptAnswer>> {
  const [counted] = await ports.database.drizzle
    .select()
    .from(receiptTable)
    .where(inArray(receiptTable.id, [id]));
  if (counted !== undefined) {
    const receipt = JSON.parse(counted.envelope);
    const { task, executor } = counted;
    return ok({ id, task, executor, receipt, counted: counted.counted, state: 'paid' });
  }
  const stored = (await ports.tasks.receipt(id)) ?? (await claimedReceipt(ports, id));
  if (stored === null) return err('receipt-unknown');
  const { task, executor } = stored.body;
  return ok({
    id,
    task,
    executor,
    receipt: stored,
    counted: 'no',
    state: await unpaidState(ports, id),
  });
}

/** A receipt that its executor showed to the ledger alone. */
async function claimedReceipt(
  ports: LedgerPorts,
  id: string,
): Promise<Envelope<TaskReceipt> | null> {
  const [row] = await ports.database.read({
    sql: 'SELECT receipt_envelope FROM claim WHERE receipt = ?1',
    args: [id],
  });
  if (row === undefined) return null;
  // The claim was taken with this envelope opened and verified.
  return JSON.parse(text(row.receipt_envelope)) as Envelope<TaskReceipt>;
}

async function unpaidState(ports: LedgerPorts, id: string): Promise<ReceiptAnswer['state']> {
  const [claims = [], objections = []] = await ports.database.readMany([
    { sql: 'SELECT 1 FROM claim WHERE receipt = ?1', args: [id] },
    { sql: 'SELECT 1 FROM objection WHERE receipt = ?1', args: [id] },
  ]);
  if (claims.length > 0) return 'claimed';
  return objections.length > 0 ? 'objected' : 'unpaid';
}
