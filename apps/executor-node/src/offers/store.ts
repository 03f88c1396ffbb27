import {
  type Envelope,
  encodeBase64url,
  INLINE_BYTES_MAX,
  type TaskReceipt,
  type TaskReject,
} from '@zerostate/shared';
import { and, asc, eq, isNull } from 'drizzle-orm';
import { type Database, type Statement, sql } from '../state/database.ts';
import { outboxInsert } from '../state/store.ts';
import * as tables from '../state/tables.ts';
import type { Waiter } from './origin.ts';
import type { Offer } from './read-offer.ts';

export type TaskRow = typeof tables.task.$inferSelect;

export async function readTask(database: Database, task: string): Promise<TaskRow | null> {
  const rows = await database.db.select().from(tables.task).where(eq(tables.task.task, task));
  return rows[0] ?? null;
}

/** Tasks that were accepted and have no receipt, oldest first: what a restart runs. */
export function unfinishedTasks(database: Database): Promise<TaskRow[]> {
  const { task } = tables;
  return database.db
    .select()
    .from(task)
    .where(eq(task.state, 'accepted'))
    .orderBy(asc(task.at), asc(task.task));
}

/** Offer and acceptance in one: what is acknowledged next is on disk with its answer. */
export function insertAccepted(
  offer: Offer,
  input: Uint8Array,
  { accept, waiter }: { accept: Envelope<{ deadline: string }>; waiter: Waiter },
  now: number,
): Statement[] {
  const { task, signed } = offer;
  return [
    sql(
      `INSERT INTO task (task, manifest, cond, input, state, accept, deadline, at, at_edge)
       VALUES (?, ?, ?, ?, 'accepted', ?, ?, ?, ?)`,
      task.id,
      JSON.stringify(signed.manifest),
      JSON.stringify(signed.cond),
      input,
      JSON.stringify(accept),
      Number(accept.body.deadline),
      now,
      isAtEdge(waiter),
    ),
    ...waits(task.id, waiter, now),
    ...tellEdge({ type: 'task.accept', ref: task.id, body: { accept } }, now),
  ];
}

export function insertRejected(
  offer: Offer,
  { reject, waiter, isFinal }: { reject: TaskReject; waiter: Waiter; isFinal: boolean },
  now: number,
): Statement[] {
  const { task, signed } = offer;
  const row = sql(
    `INSERT INTO task (task, manifest, cond, state, code, at, at_edge)
     VALUES (?, ?, ?, 'rejected', ?, ?, ?) ON CONFLICT (task) DO NOTHING`,
    task.id,
    JSON.stringify(signed.manifest),
    JSON.stringify(signed.cond),
    reject.code,
    now,
    isAtEdge(waiter),
  );
  return [
    ...(isFinal ? [row] : []),
    ...(waiter.role === 'creator'
      ? []
      : outboxInsert({ type: 'task.reject', ref: task.id, body: reject }, now)),
  ];
}

/**
 * Somebody else waits for a task that is known: from now on it hears of it too. An edge that hears
 * of a task while it runs is told of the accept at once, because it takes no result before that.
 */
export function waitsToo(known: TaskRow, waiter: Waiter, now: number): Statement[] {
  const { task, accept, atEdge } = known;
  const waiting = waits(task, waiter, now);
  if (isAtEdge(waiter) === 0) return waiting;
  const isKnown = sql('UPDATE task SET at_edge = 1 WHERE task = ?', task);
  if (atEdge === 1 || accept === null) return [isKnown, ...waiting];
  const told = { type: 'task.accept', ref: task, body: { accept: JSON.parse(accept) as unknown } };
  return [isKnown, ...tellEdge(told, now, "state = 'accepted' AND at_edge = 1"), ...waiting];
}

function isAtEdge({ role }: Waiter): 0 | 1 {
  return role === 'creator' ? 0 : 1;
}

/**
 * A creator has the result of a task that is over in the answer to its question; a gateway, which
 * is answered with the accept, is told afterwards.
 */
function waits(task: string, waiter: Waiter, now: number): Statement[] {
  if (waiter.role === 'edge') return [];
  return [
    sql(
      `INSERT INTO push (task, did, role, at)
       SELECT task, ?2, ?3, ?4 FROM task
       WHERE task = ?1 AND (state = 'accepted' OR (state = 'done' AND ?3 = 'gateway'))
       ON CONFLICT (task, did) DO NOTHING`,
      task,
      waiter.did,
      waiter.role,
      now,
    ),
  ];
}

/** Puts a message about a task into the outbox, where the edge knows of the task. */
function tellEdge(
  message: { type: string; ref: string; body: unknown },
  now: number,
  when = 'at_edge = 1',
): Statement[] {
  const isTold = `EXISTS (SELECT 1 FROM task WHERE task = ?1 AND ${when})`;
  return [
    sql(`UPDATE node SET outbox_n = outbox_n + 1 WHERE ${isTold}`, message.ref),
    sql(
      `INSERT INTO outbox (n, type, ref, body, at)
       SELECT outbox_n, ?2, ?1, ?3, ?4 FROM node WHERE ${isTold}`,
      message.ref,
      message.type,
      JSON.stringify(message.body),
      now,
    ),
  ];
}

/** An accepted task that will never have a receipt of this node. */
export function insertAbandoned(reject: TaskReject, now: number): Statement[] {
  return [
    sql(
      `UPDATE task SET state = 'abandoned', code = ?, input = NULL WHERE task = ?
       AND state = 'accepted'`,
      reject.code,
      reject.task,
    ),
    sql('DELETE FROM push WHERE task = ?', reject.task),
    ...tellEdge({ type: 'task.reject', ref: reject.task, body: reject }, now),
  ];
}

/** The signed receipt and its output. The primary key makes a second receipt impossible. */
export function insertReceipt(
  made: { id: string; envelope: Envelope<TaskReceipt>; due: bigint },
  output: Uint8Array,
  now: number,
): Statement[] {
  const { id, envelope, due } = made;
  const { task, ch, lane, price, output: sha256 } = envelope.body;
  return [
    sql(
      `INSERT INTO receipt (task, id, receipt, ch, lane, price, due, at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      task,
      id,
      JSON.stringify(envelope),
      ch,
      Number(lane),
      BigInt(price),
      due,
      now,
    ),
    sql('INSERT INTO output (task, sha256, bytes) VALUES (?, ?, ?)', task, sha256, output),
    // The input has served: what a receipt says does not change any more.
    sql("UPDATE task SET state = 'done', input = NULL WHERE task = ?", task),
  ];
}

/**
 * Puts a task's result into the outbox, where the edge knows of the task; `inline` is its output
 * where it travels inside.
 */
export function sendResult(
  task: string,
  receipt: unknown,
  inline: Uint8Array | null,
  now: number,
): Statement[] {
  const output = inline === null ? {} : { output: encodeBase64url(inline) };
  return [
    ...tellEdge({ type: 'task.result', ref: task, body: { receipt, ...output } }, now),
    sql(
      `UPDATE receipt SET result_n = (SELECT outbox_n FROM node)
       WHERE task = ?1 AND (SELECT at_edge FROM task WHERE task = ?1) = 1`,
      task,
    ),
  ];
}

export type UnsentResult = { task: string; receipt: string; bytes: Uint8Array };

/** Receipts whose result is not in the outbox yet: their output has to be put as a blob first. */
export async function unsentResults(database: Database): Promise<UnsentResult[]> {
  const { receipt, output, task } = tables;
  // In this order: outputs go once they are paid, receipts and tasks stay.
  return database.db
    .select({ task: receipt.task, receipt: receipt.receipt, bytes: output.bytes })
    .from(output)
    .crossJoin(receipt)
    .crossJoin(task)
    .where(
      and(
        eq(receipt.task, output.task),
        isNull(receipt.resultN),
        eq(task.task, output.task),
        eq(task.atEdge, 1),
      ),
    )
    .orderBy(asc(receipt.at));
}

/** What was answered to an offer that comes again, for answering it again. */
export async function answersTo(
  database: Database,
  task: TaskRow,
  now: number,
): Promise<Statement[]> {
  const { outbox } = tables;
  const waiting = await database.db
    .select({ type: outbox.type })
    .from(outbox)
    .where(eq(outbox.ref, task.task));
  const isWaiting = (type: string): boolean => waiting.some((row) => row.type === type);
  const statements: Statement[] = [];
  if (task.state === 'rejected' || task.state === 'abandoned') {
    const reject = { task: task.task, code: task.code };
    if (isWaiting('task.reject')) return [];
    return outboxInsert({ type: 'task.reject', ref: task.task, body: reject }, now);
  }
  if (task.accept !== null && !isWaiting('task.accept')) {
    const accept: unknown = JSON.parse(task.accept);
    statements.push(
      ...outboxInsert({ type: 'task.accept', ref: task.task, body: { accept } }, now),
    );
  }
  const result = await readResult(database, task.task);
  if (result === null || isWaiting('task.result')) return statements;
  // Paid without the edge, and its output is gone: an accept alone would count as a failure.
  if (result.resultN === null && result.bytes === null) {
    const reject = { task: task.task, code: 'settled' };
    return outboxInsert({ type: 'task.reject', ref: task.task, body: reject }, now);
  }
  // An output that the edge has not had yet is put there first.
  const isDue = result.resultN === null && result.bytes !== null && !isInline(result.bytes);
  const inline = inlineOf(result.bytes);
  if (!isDue) statements.push(...sendResult(task.task, JSON.parse(result.receipt), inline, now));
  return statements;
}

/** What a task came to. `bytes`: its output, until the lane has paid for it. */
export async function readResult(database: Database, task: string) {
  const { receipt, output } = tables;
  const rows = await database.db
    .select({ receipt: receipt.receipt, resultN: receipt.resultN, bytes: output.bytes })
    .from(receipt)
    .leftJoin(output, eq(output.task, receipt.task))
    .where(eq(receipt.task, task));
  return rows[0] ?? null;
}

export function inlineOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes !== null && isInline(bytes) ? bytes : null;
}

/** Whether an output travels inside its message. */
export function isInline(bytes: Uint8Array): boolean {
  return bytes.length <= INLINE_BYTES_MAX;
}
