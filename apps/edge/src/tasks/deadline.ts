/** What time does to tasks: an accepted one that is not done by its deadline has failed. */
import { envelopeField, paychCondSchema, taskAcceptSchema } from '@zerostate/shared';
import { z } from 'zod';
import { type TaskDeps, taskTopic } from './deps.ts';
import { failUpdate, overdueTasks } from './store.ts';

const storedAccept = envelopeField.extend({ body: taskAcceptSchema });
const storedCond = z.object({ body: paychCondSchema });

/** Fails what is overdue, at most `rowsMax`, and says how many. Safe to repeat at any point. */
export async function failOverdueTasks(
  deps: TaskDeps,
  now: number,
  rowsMax: number,
): Promise<number> {
  const overdue = await overdueTasks(deps.directory, now, rowsMax);
  for (const task of overdue) {
    if (task.accept === null || task.acceptedAt === null) continue;
    const accept = storedAccept.parse(JSON.parse(task.accept));
    const cond = storedCond.parse(JSON.parse(task.cond)).body;
    // The ledger first, by the task's id: after a crash it is counted once and not forgotten.
    await deps.ledger.recordFailure({
      task: task.id,
      executor: task.executor,
      creator: task.creator,
      accept,
      acceptedAt: task.acceptedAt,
      cap: BigInt(cond.cap),
    });
    await deps.directory.batch([failUpdate(task.id, now)]);
    deps.hub.wakeTopic(taskTopic(task.id));
    deps.metrics.count('zs_tasks_total', { state: 'failed' });
  }
  return overdue.length;
}
