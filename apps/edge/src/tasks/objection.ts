/** A creator's word that it does not pay a receipt. */
import { type Envelope, err, ok, type Result, taskObjectionSchema } from '@zerostate/shared';
import { isRefusedBy } from '../database-fault.ts';
import type { ProblemCode } from '../http/problem.ts';
import { OUTBOX_FULL, outboxInsert } from '../hub/outbox.ts';
import { openCreatorWord } from './creator-word.ts';
import { type TaskDeps, taskTopic } from './deps.ts';
import { objectionUpdate, type TaskRow } from './store.ts';

/** The task with its objection. The same objection again changes nothing. */
export async function objectTask(
  deps: TaskDeps,
  id: string,
  raw: Envelope<unknown>,
): Promise<Result<TaskRow, ProblemCode>> {
  const about = { task: id, type: 'task.objection', schema: taskObjectionSchema };
  const word = await openCreatorWord(deps, about, raw);
  if (!word.ok) return word;
  const { body, envelope, task } = word.value;
  const isReceiptHere = task.receiptId === body.receipt;
  // An executor may claim a receipt that it never sent here: the creator has its say all the same.
  if (!isReceiptHere && !(await deps.ledger.isClaimed(id, body.receipt))) {
    return err('task-terms', 'not the receipt of this task');
  }
  const text = JSON.stringify(envelope);
  if (isReceiptHere && task.objection !== null) {
    return task.objection === text ? ok(task) : err('task-state', 'objected before');
  }
  // The ledger first: it decides what a claim starts as. A crash in between is repeated by the SDK.
  const kept = await deps.ledger.recordObjection({
    id: word.value.id,
    envelope,
    task: id,
    creator: task.creator,
    executor: task.executor,
  });
  if (!kept.ok) return kept;
  if (!isReceiptHere) return ok(task);
  const now = deps.clock.now();
  try {
    await deps.directory.batch([
      objectionUpdate(id, body.receipt, text),
      ...outboxInsert(task.executor, 'task.objection', { objection: envelope }, now),
    ]);
  } catch (error) {
    if (!isRefusedBy(error, OUTBOX_FULL)) throw error;
    // The objection counts without the executor's knowing of it.
    await deps.directory.batch([objectionUpdate(id, body.receipt, text)]);
  }
  deps.hub.wake(task.executor);
  deps.hub.wakeTopic(taskTopic(id));
  return ok({ ...task, objection: text });
}
