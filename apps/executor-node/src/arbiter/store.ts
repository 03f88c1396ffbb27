import type { DisputeVerdict, Envelope } from '@zerostate/shared';
import { and, asc, count, desc, eq, isNotNull, lte } from 'drizzle-orm';
import { type Database, type Statement, sql } from '../state/database.ts';
import { outboxInsert } from '../state/store.ts';
import * as tables from '../state/tables.ts';

export type DisputeRow = typeof tables.dispute.$inferSelect;
type Ended = 'posted' | 'voided';

/** A dispute that this arbiter heard of; one that it knows stays as it is. */
export function insertDispute(claim: string, now: number): Statement {
  return sql(
    `INSERT INTO dispute (claim, state, next_at, at) VALUES (?, 'due', ?, ?)
     ON CONFLICT (claim) DO NOTHING`,
    claim,
    now,
    now,
  );
}

export async function readDispute(database: Database, claim: string): Promise<DisputeRow | null> {
  const { dispute } = tables;
  const rows = await database.db.select().from(dispute).where(eq(dispute.claim, claim));
  return rows[0] ?? null;
}

/** Disputes with something left to do, oldest first. */
export function dueDisputes(database: Database, now: number, limit: number): Promise<DisputeRow[]> {
  const { dispute } = tables;
  return database.db
    .select()
    .from(dispute)
    .where(and(isNotNull(dispute.nextAt), lte(dispute.nextAt, now)))
    .orderBy(asc(dispute.nextAt), asc(dispute.at))
    .limit(limit);
}

/** Newest first. */
export function recentDisputes(database: Database, limit: number): Promise<DisputeRow[]> {
  const { dispute } = tables;
  return database.db
    .select()
    .from(dispute)
    .orderBy(desc(dispute.at), asc(dispute.claim))
    .limit(limit);
}

export async function countDisputes(database: Database): Promise<Record<string, number>> {
  const { dispute } = tables;
  const rows = await database.db
    .select({ state: dispute.state, n: count() })
    .from(dispute)
    .groupBy(dispute.state);
  return Object.fromEntries(rows.map(({ state, n }) => [state, n]));
}

/**
 * The signed verdict and its message in one: what is sent is on disk. The row takes a verdict only
 * once, so that a second one, whatever it says, ends the batch.
 */
export function signDispute(
  dispute: Pick<DisputeRow, 'claim'> & { ch: string; task: string },
  verdict: Envelope<DisputeVerdict>,
  next: { now: number; nextAt: number },
): Statement[] {
  return [
    sql(
      `UPDATE dispute SET state = 'signed', why = '', detail = '', ch = ?, task = ?, verdict = ?,
       tries = tries + 1, next_at = ?, decided_at = ? WHERE claim = ?`,
      dispute.ch,
      dispute.task,
      JSON.stringify(verdict),
      next.nextAt,
      next.now,
      dispute.claim,
    ),
    ...sendVerdict(dispute.claim, verdict, next.now),
  ];
}

/** The message of a verdict, the first time or again. */
export function sendVerdict(claim: string, verdict: unknown, now: number): Statement[] {
  return outboxInsert({ type: 'dispute.verdict', ref: claim, body: { verdict } }, now);
}

/** Whether a verdict still waits for the edge. */
export async function isVerdictWaiting(database: Database, claim: string): Promise<boolean> {
  const { outbox } = tables;
  const rows = await database.db
    .select({ n: outbox.n })
    .from(outbox)
    .where(and(eq(outbox.type, 'dispute.verdict'), eq(outbox.ref, claim)));
  return rows.length > 0;
}

/** It cannot be said from here, for now. */
export function leaveUndecided(
  claim: string,
  why: { code: string; detail?: string },
  nextAt: number,
): Statement {
  return sql(
    `UPDATE dispute SET state = 'undecided', why = ?, detail = ?, tries = tries + 1, next_at = ?
     WHERE claim = ? AND verdict IS NULL`,
    why.code,
    why.detail ?? '',
    nextAt,
    claim,
  );
}

/** This arbiter is a party: it never judges this claim. */
export function declineDispute(claim: string, ch: string, now: number): Statement {
  return sql(
    `UPDATE dispute SET state = 'declined', why = 'party', ch = ?, next_at = NULL, decided_at = ?
     WHERE claim = ? AND verdict IS NULL`,
    ch,
    now,
    claim,
  );
}

/** The ledger has ended the claim; a verdict that was signed stays beside it. */
export function endDispute(claim: string, ch: string, outcome: Ended): Statement {
  return sql(
    `UPDATE dispute SET state = iif(verdict IS NULL, 'over', 'signed'), outcome = ?, ch = ?,
     next_at = NULL WHERE claim = ?`,
    outcome,
    ch,
    claim,
  );
}

/** Looked at again at that time; `why` says what the edge made of a verdict. */
export function lookAgain(claim: string, nextAt: number, why?: string): Statement {
  return sql(
    'UPDATE dispute SET next_at = ?, why = coalesce(?, why) WHERE claim = ? AND next_at IS NOT NULL',
    nextAt,
    why ?? null,
    claim,
  );
}
