/** A creator's word that it wants a task no more. */
import {
  type Envelope,
  err,
  ok,
  openEnvelope,
  type Result,
  taskCancelSchema,
} from '@zerostate/shared';
import { isRefusedBy } from '../database-fault.ts';
import type { ProblemCode } from '../http/problem.ts';
import { OUTBOX_FULL, outboxHas, outboxInsert } from '../hub/outbox.ts';
import type { TaskDeps } from './deps.ts';
import { readTask, type TaskRow } from './store.ts';

/**
 * Asks the executor of an offered task to drop it. The task stays offered until the executor says
 * so: it may have accepted meanwhile, and what it has run is paid by the rules of its condition.
 */
export async function cancelTask(
  deps: TaskDeps,
  id: string,
  raw: Envelope<unknown>,
): Promise<Result<TaskRow, ProblemCode>> {
  const opened = await openEnvelope(
    deps.network,
    raw,
    taskCancelSchema,
    'task.cancel',
    deps.verifier,
    { maxSigs: 1 },
  );
  if (!opened.ok) return opened;
  const { envelope, body } = opened.value;
  if (body.task !== id) return err('task-terms', 'the cancel of another task');
  const task = await readTask(deps.directory, id);
  if (task === null) return err('task-unknown', id);
  if (envelope.sigs[0]?.by !== task.creator) return err('signer-missing', task.creator);
  if (task.state === 'rejected') return ok(task);
  if (task.state !== 'offered') return err('task-state', task.state);
  const kept = await deps.ledger.recordCancel({ id: opened.value.id, task: id, envelope });
  if (!kept.ok) return kept;
  const message = { task: id };
  // Said once, however often it is asked: repeating it must not fill the executor's outbox.
  if (await outboxHas(deps.directory, task.executor, 'task.cancel', message)) return ok(task);
  try {
    const now = deps.clock.now();
    await deps.directory.batch(outboxInsert(task.executor, 'task.cancel', message, now));
  } catch (error) {
    if (isRefusedBy(error, OUTBOX_FULL)) return err('busy', 'the executor has too much waiting');
    throw error;
  }
  deps.hub.wake(task.executor);
  return ok(task);
}
