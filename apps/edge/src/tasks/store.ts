/** Tasks in the directory. Each step is one guarded statement: a task only goes forward. */
import { encodeBase64url, INLINE_BYTES_MAX } from '@zerostate/shared';
import type { Database, Row, Statement } from '../ports.ts';

export type TaskState = 'offered' | 'accepted' | 'rejected' | 'done' | 'failed';

/** A stored task. Envelopes are JSON text, as they were checked. */
export type TaskRow = {
  id: string;
  creator: string;
  executor: string;
  ch: string;
  lane: number;
  state: TaskState;
  manifest: string;
  condId: string;
  cond: string;
  accept: string | null;
  receiptId: string | null;
  receipt: string | null;
  objection: string | null;
  reject: string | null;
  /** Inline output in base64url. */
  output: string | null;
  submittedAt: number;
  acceptedAt: number | null;
  doneAt: number | null;
  notAfter: number;
};

const COLUMNS = `t.id, t.creator, t.executor, t.ch, t.lane, t.state, t.manifest, t.cond_id, t.cond,
  t.accept, t.receipt_id, t.receipt, t.objection, t.reject, t.submitted_at, t.accepted_at,
  t.done_at, t.not_after`;

/** A task with its output, where that is small enough to travel inside the answer. */
const SELECT = `SELECT ${COLUMNS}, b.bytes AS output_bytes, k.data AS output_data FROM task t
  LEFT JOIN blob b ON b.hash = t.output AND b.bytes <= ${INLINE_BYTES_MAX}
  LEFT JOIN blob_chunk k ON k.hash = b.hash AND k.i = 0`;

export function taskById(id: string): Statement {
  return { sql: `${SELECT} WHERE t.id = ?1`, args: [id] };
}

export async function readTask(database: Database, id: string): Promise<TaskRow | null> {
  const [row] = await database.read(taskById(id));
  return row === undefined ? null : toTaskRow(row);
}

const STATES: readonly TaskState[] = ['offered', 'accepted', 'rejected', 'done', 'failed'];

export function toTaskRow(row: Row): TaskRow {
  const state = STATES.find((known) => known === row.state);
  if (state === undefined) throw new Error(`stored task in state ${row.state}`);
  return {
    id: String(row.id),
    creator: String(row.creator),
    executor: String(row.executor),
    ch: String(row.ch),
    lane: Number(row.lane),
    state,
    manifest: String(row.manifest),
    condId: String(row.cond_id),
    cond: String(row.cond),
    accept: text(row.accept),
    receiptId: text(row.receipt_id),
    receipt: text(row.receipt),
    objection: text(row.objection),
    reject: text(row.reject),
    output: inlineOutput(row),
    submittedAt: Number(row.submitted_at),
    acceptedAt: time(row.accepted_at),
    doneAt: time(row.done_at),
    notAfter: Number(row.not_after),
  };
}

function inlineOutput(row: Row): string | null {
  if (row.output_data instanceof Uint8Array) return encodeBase64url(row.output_data);
  // No bytes have no rows.
  return row.output_bytes === 0n ? '' : null;
}

function text(value: Row[string] | undefined): string | null {
  return value === null || value === undefined ? null : String(value);
}

function time(value: Row[string] | undefined): number | null {
  return value === null || value === undefined ? null : Number(value);
}

export type NewTask = {
  id: string;
  creator: string;
  executor: string;
  ch: string;
  lane: number;
  module: string;
  input: string;
  manifest: string;
  condId: string;
  cond: string;
  notAfter: number;
};

export function taskInsert(task: NewTask, at: number): Statement {
  return {
    sql: `INSERT INTO task(id, creator, executor, ch, lane, module, input, state, manifest, cond_id,
            cond, not_after, submitted_at)
          VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, 'offered', ?8, ?9, ?10, ?11, ?12)`,
    args: [
      task.id,
      task.creator,
      task.executor,
      task.ch,
      task.lane,
      task.module,
      task.input,
      task.manifest,
      task.condId,
      task.cond,
      task.notAfter,
      at,
    ],
  };
}

/** Aborts its batch when the statement before it changed no row. */
export const GUARD: Statement = {
  sql: 'INSERT INTO guard SELECT 0 WHERE changes() <> 1',
  args: [],
};

/** offered → accepted, by the executor on the lane of the task, before its last moment. */
export function acceptUpdate(
  accept: { task: string; executor: string; ch: string; lane: number; deadline: number },
  envelope: string,
  at: number,
): Statement {
  return {
    sql: `UPDATE task SET state = 'accepted', accept = ?6, accepted_at = ?7, deadline = ?5
          WHERE id = ?1 AND executor = ?2 AND ch = ?3 AND lane = ?4 AND state = 'offered'
            AND not_after >= ?5`,
    args: [accept.task, accept.executor, accept.ch, accept.lane, accept.deadline, envelope, at],
  };
}

/** accepted → done. The executor must have put the output. */
export function resultUpdate(
  receipt: { id: string; task: string; executor: string; ch: string; lane: number; output: string },
  envelope: string,
  at: number,
): Statement {
  return {
    sql: `UPDATE task SET state = 'done', receipt_id = ?5, receipt = ?7, output = ?6, done_at = ?8
          WHERE id = ?1 AND executor = ?2 AND ch = ?3 AND lane = ?4 AND state = 'accepted'
            AND EXISTS (SELECT 1 FROM blob_owner WHERE hash = ?6 AND did = ?2)`,
    args: [
      receipt.task,
      receipt.executor,
      receipt.ch,
      receipt.lane,
      receipt.id,
      receipt.output,
      envelope,
      at,
    ],
  };
}

/** offered → rejected. */
export function rejectUpdate(task: string, executor: string, reject: string): Statement {
  return {
    sql: `UPDATE task SET state = 'rejected', reject = ?3
          WHERE id = ?1 AND executor = ?2 AND state = 'offered'`,
    args: [task, executor, reject],
  };
}

/** accepted → rejected: its executor gives up what it took. */
export function giveUpUpdate(task: string, executor: string, reject: string): Statement {
  return {
    sql: `UPDATE task SET state = 'rejected', reject = ?3
          WHERE id = ?1 AND executor = ?2 AND state = 'accepted'`,
    args: [task, executor, reject],
  };
}

export function objectionUpdate(task: string, receiptId: string, objection: string): Statement {
  return {
    sql: `UPDATE task SET objection = ?3
          WHERE id = ?1 AND receipt_id = ?2 AND objection IS NULL`,
    args: [task, receiptId, objection],
  };
}

/** Keeps the second of two signed receipts of one task. */
export function equivocationInsert(
  receipt: { id: string; task: string; executor: string },
  envelope: string,
  at: number,
): Statement {
  return {
    sql: `INSERT INTO task_equivocation(task, executor, receipt_id, receipt, at)
          VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING`,
    args: [receipt.task, receipt.executor, receipt.id, envelope, at],
  };
}

/** Accepted tasks whose deadline is over. */
export async function overdueTasks(
  database: Database,
  now: number,
  limit: number,
): Promise<TaskRow[]> {
  const rows = await database.read({
    sql: `SELECT ${COLUMNS} FROM task t WHERE t.state = 'accepted' AND t.deadline < ?1
          ORDER BY t.deadline LIMIT ?2`,
    args: [now, limit],
  });
  return rows.map(toTaskRow);
}

/** accepted → failed, past its deadline. */
export function failUpdate(task: string, now: number): Statement {
  return {
    sql: `UPDATE task SET state = 'failed' WHERE id = ?1 AND state = 'accepted' AND deadline < ?2`,
    args: [task, now],
  };
}

/** Tasks are kept this long after their last moment, for callers that come back late. */
const TASK_KEEP_MS = 30 * 86_400_000;

export function forgetTasks(now: number, rowsMax: number): Statement {
  return {
    sql: `DELETE FROM task WHERE id IN
            (SELECT id FROM task WHERE not_after < ?1 ORDER BY not_after LIMIT ?2)`,
    args: [now - TASK_KEEP_MS, rowsMax],
  };
}
