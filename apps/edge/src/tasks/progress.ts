/** What an executor says about a task: accept, reject, result. Each is one commit on the way. */
import {
  decodeBase64url,
  digestSha256,
  type ExecutorMessage,
  err,
  ok,
  openEnvelope,
  type Result,
  type TaskReceipt,
  taskAcceptSchema,
  taskReceiptSchema,
} from '@zerostate/shared';
import { BLOB_KEEP_MS } from '../blobs/blobs.ts';
import { BLOB_QUOTA, inlineInsert } from '../blobs/store.ts';
import { isRefused, isRefusedBy } from '../database-fault.ts';
import type { ProblemCode } from '../http/problem.ts';
import { type TaskDeps, taskTopic } from './deps.ts';
import { failureOf } from './failure.ts';
import {
  acceptUpdate,
  equivocationInsert,
  GUARD,
  giveUpUpdate,
  readTask,
  rejectUpdate,
  resultUpdate,
  type TaskRow,
} from './store.ts';

/** Whether a message changed anything, or said what is known already. */
export type Taken = Result<'new' | 'known', ProblemCode>;
const KNOWN: Taken = ok('known');

/** An output of a task is kept at least this long: its claim and a day more. */
const OUTPUT_KEEP_MS = 8 * BLOB_KEEP_MS;

export async function acceptTask(
  deps: TaskDeps,
  executor: string,
  message: ExecutorMessage<'task.accept'>,
): Promise<Taken> {
  const opened = await openEnvelope(
    deps.network,
    message.accept,
    taskAcceptSchema,
    'task.accept',
    deps.verifier,
    { by: [executor], maxSigs: 1 },
  );
  if (!opened.ok) return opened;
  const { body, envelope } = opened.value;
  const accept = {
    task: body.task,
    executor,
    ch: body.ch,
    lane: Number(body.lane),
    deadline: Number(body.deadline),
  };
  const text = JSON.stringify(envelope);
  const update = acceptUpdate(accept, text, deps.clock.now());
  const task = await step(deps, body.task, executor, [update, GUARD]);
  if (task === 'taken') return told(deps, body.task, 'accepted');
  if (!task.ok) return task;
  // Told again, after a lost acknowledgement.
  if (task.value.accept === text) return KNOWN;
  if (task.value.ch !== accept.ch || task.value.lane !== accept.lane) {
    return err('task-terms', 'channel or lane');
  }
  if (accept.deadline > task.value.notAfter) return err('task-terms', 'deadline after not_after');
  return err('task-state', task.value.state);
}

export async function rejectTask(
  deps: TaskDeps,
  executor: string,
  message: ExecutorMessage<'task.reject'>,
): Promise<Taken> {
  const text = JSON.stringify(message);
  const update = rejectUpdate(message.task, executor, text);
  const task = await step(deps, message.task, executor, [update, GUARD]);
  if (task === 'taken') return told(deps, message.task, 'rejected');
  if (!task.ok) return task;
  if (task.value.state === 'accepted') return giveUp(deps, task.value, text);
  return task.value.state === 'rejected' ? KNOWN : err('task-state', task.value.state);
}

/**
 * An executor gives up a task that it accepted. Its caller need not wait for the deadline, and it
 * counts as failed. The condition is as good as before: a receipt would still be claimed on it.
 */
async function giveUp(deps: TaskDeps, task: TaskRow, reject: string): Promise<Taken> {
  const failure = failureOf(task);
  // The ledger first, by the task's id: after a crash it is counted once and not forgotten.
  if (failure !== null) await deps.ledger.recordFailure(failure);
  const update = giveUpUpdate(task.id, task.executor, reject);
  const now = await step(deps, task.id, task.executor, [update, GUARD]);
  if (now === 'taken') return told(deps, task.id, 'rejected');
  if (!now.ok) return now;
  return now.value.state === 'rejected' ? KNOWN : err('task-state', now.value.state);
}

export async function finishTask(
  deps: TaskDeps,
  executor: string,
  message: ExecutorMessage<'task.result'>,
): Promise<Taken> {
  const opened = await openEnvelope(
    deps.network,
    message.receipt,
    taskReceiptSchema,
    'task.receipt',
    deps.verifier,
    { by: [executor], maxSigs: 1 },
  );
  if (!opened.ok) return opened;
  const { id, body, envelope } = opened.value;
  if (body.executor !== executor) return err('task-terms', 'executor');
  const output = await readOutput(body, message.output);
  if (!output.ok) return output;
  const now = deps.clock.now();
  const receipt = {
    id,
    task: body.task,
    executor,
    ch: body.ch,
    lane: Number(body.lane),
    output: body.output,
  };
  const text = JSON.stringify(envelope);
  const owner = { did: executor, keepUntil: now + OUTPUT_KEEP_MS };
  const task = await step(deps, body.task, executor, [
    ...(output.value === null ? [] : inlineInsert(body.output, output.value, owner, now)),
    resultUpdate(receipt, text, now),
    GUARD,
  ]);
  if (task === 'taken') return told(deps, body.task, 'done');
  return task.ok ? notFinished(deps, task.value, receipt, text) : task;
}

/** Why a result changed nothing. */
async function notFinished(
  deps: TaskDeps,
  task: TaskRow,
  receipt: { id: string; task: string; executor: string; ch: string; lane: number },
  text: string,
): Promise<Taken> {
  if (task.receiptId === receipt.id) return KNOWN;
  if (task.receiptId !== null) {
    await deps.directory.batch([equivocationInsert(receipt, text, deps.clock.now())]);
    return err('receipt-equivocation', task.receiptId);
  }
  if (task.ch !== receipt.ch || task.lane !== receipt.lane) {
    return err('task-terms', 'channel or lane');
  }
  if (task.state !== 'accepted') return err('task-state', task.state);
  return err('output-wrong', 'put the output before the result');
}

async function readOutput(
  receipt: TaskReceipt,
  inline: string | undefined,
): Promise<Result<Uint8Array | null, ProblemCode>> {
  // No bytes need no blob.
  if (inline === undefined && receipt.output_len !== '0') return ok(null);
  const bytes = decodeBase64url(inline ?? '');
  if (!bytes.ok) return err('output-wrong', 'not base64url');
  const isNamed =
    String(bytes.value.length) === receipt.output_len &&
    (await digestSha256(bytes.value)) === receipt.output;
  return isNamed ? ok(bytes.value) : err('output-wrong');
}

/** Runs one guarded step; when it changed nothing, the task tells why. */
async function step(
  deps: TaskDeps,
  id: string,
  executor: string,
  statements: Parameters<TaskDeps['directory']['batch']>[0],
): Promise<'taken' | Result<TaskRow, ProblemCode>> {
  try {
    await deps.directory.batch(statements);
    return 'taken';
  } catch (error) {
    if (isRefusedBy(error, BLOB_QUOTA)) return err('blob-quota');
    if (!isRefused(error)) throw error;
  }
  const task = await readTask(deps.directory, id);
  if (task === null) return err('task-unknown', id);
  return task.executor === executor ? ok(task) : err('forbidden', 'another executor’s task');
}

function told(deps: TaskDeps, task: string, state: string): Taken {
  deps.hub.wakeTopic(taskTopic(task));
  deps.metrics.count('zs_tasks_total', { state });
  return ok('new');
}
