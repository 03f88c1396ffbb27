/** A creator's word that it wants a task no more. */
import { type Envelope, err, ok, type Result, taskCancelSchema } from '@zerostate/shared';
import { isRefusedBy } from '../database-fault.ts';
import type { ProblemCode } from '../http/problem.ts';
import { OUTBOX_FULL, outboxHas, outboxInsert } from '../hub/outbox.ts';
import { openCreatorWord } from './creator-word.ts';
import type { TaskDeps } from './deps.ts';
import type { TaskRow } from './store.ts';

/**
 * Asks the executor of an offered task to drop it. The task stays offered until the executor says
 * so: it may have accepted meanwhile, and what it has run is paid by the rules of its condition.
 */
export async function cancelTask(
  deps: TaskDeps,
  id: string,
  raw: Envelope<unknown>,
): Promise<Result<TaskRow, ProblemCode>> {
  const about = { task: id, type: 'task.cancel', schema: taskCancelSchema };
  const word = await openCreatorWord(deps, about, raw);
  if (!word.ok) return word;
  const { body, envelope, task } = word.value;
  if (body.task !== id) return err('task-terms', 'the cancel of another task');
  if (task.state === 'rejected') return ok(task);
  if (task.state !== 'offered') return err('task-state', task.state);
  const kept = await deps.ledger.recordCancel({ id: word.value.id, task: id, envelope });
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
