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
  accept: Envelope<{ deadline: string }>,
  now: number,
): Statement[] {
  const { task, signed } = offer;
  return [
    sql(
      `INSERT INTO task (task, manifest, cond, input, state, accept, deadline, at)
       VALUES (?, ?, ?, ?, 'accepted', ?, ?, ?)`,
      task.id,
      JSON.stringify(signed.manifest),
      JSON.stringify(signed.cond),
      input,
      JSON.stringify(accept),
      Number(accept.body.deadline),
      now,
    ),
    ...outboxInsert({ type: 'task.accept', ref: task.id, body: { accept } }, now),
  ];
}

export function insertRejected(offer: Offer, reject: TaskReject, now: number): Statement[] {
  const { task, signed } = offer;
  return [
    // `busy` is no final word: the same offer may come again.
    ...(reject.code === 'busy'
      ? []
      : [
          sql(
            `INSERT INTO task (task, manifest, cond, state, code, at)
             VALUES (?, ?, ?, 'rejected', ?, ?) ON CONFLICT (task) DO NOTHING`,
            task.id,
            JSON.stringify(signed.manifest),
            JSON.stringify(signed.cond),
            reject.code,
            now,
          ),
        ]),
    ...outboxInsert({ type: 'task.reject', ref: task.id, body: reject }, now),
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
    ...outboxInsert({ type: 'task.reject', ref: reject.task, body: reject }, now),
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

/** Puts a task's result into the outbox; `inline` is its output where it travels inside. */
export function sendResult(
  task: string,
  receipt: unknown,
  inline: Uint8Array | null,
  now: number,
): Statement[] {
  const output = inline === null ? {} : { output: encodeBase64url(inline) };
  return [
    ...outboxInsert({ type: 'task.result', ref: task, body: { receipt, ...output } }, now),
    sql('UPDATE receipt SET result_n = (SELECT outbox_n FROM node) WHERE task = ?', task),
  ];
}

export type UnsentResult = { task: string; receipt: string; bytes: Uint8Array };

/** Receipts whose result is not in the outbox yet: their output has to be put as a blob first. */
export async function unsentResults(database: Database): Promise<UnsentResult[]> {
  const { receipt, output } = tables;
  return database.db
    .select({ task: receipt.task, receipt: receipt.receipt, bytes: output.bytes })
    .from(receipt)
    .innerJoin(output, eq(output.task, receipt.task))
    .where(isNull(receipt.resultN))
    .orderBy(asc(receipt.at));
}

/** What was answered to an offer that comes again, for answering it again. */
export async function answersTo(
  database: Database,
  task: TaskRow,
  now: number,
): Promise<Statement[]> {
  const { outbox, receipt, output } = tables;
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
  const done = await database.db
    .select({ receipt: receipt.receipt, bytes: output.bytes })
    .from(receipt)
    .leftJoin(output, eq(output.task, receipt.task))
    .where(and(eq(receipt.task, task.task)));
  const result = done[0];
  if (result !== undefined && !isWaiting('task.result')) {
    const signed: unknown = JSON.parse(result.receipt);
    statements.push(...sendResult(task.task, signed, inlineOf(result.bytes), now));
  }
  return statements;
}

function inlineOf(bytes: Uint8Array | null): Uint8Array | null {
  return bytes !== null && isInline(bytes) ? bytes : null;
}

/** Whether an output travels inside its message. */
export function isInline(bytes: Uint8Array): boolean {
  return bytes.length <= INLINE_BYTES_MAX;
}
