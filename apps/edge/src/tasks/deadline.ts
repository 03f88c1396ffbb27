/** What time does to tasks: an accepted one that is not done by its deadline has failed. */
import { type TaskDeps, taskTopic } from './deps.ts';
import { failureOf } from './failure.ts';
import { failUpdate, overdueTasks } from './store.ts';

/** Fails what is overdue, at most `rowsMax`, and says how many. Safe to repeat at any point. */
export async function failOverdueTasks(
  deps: TaskDeps,
  now: number,
  rowsMax: number,
): Promise<number> {
  const overdue = await overdueTasks(deps.directory, now, rowsMax);
  for (const task of overdue) {
    const failure = failureOf(task);
    if (failure === null) continue;
    // The ledger first, by the task's id: after a crash it is counted once and not forgotten.
    await deps.ledger.recordFailure(failure);
    await deps.directory.batch([failUpdate(task.id, now)]);
    deps.hub.wakeTopic(taskTopic(task.id));
    deps.metrics.count('zs_tasks_total', { state: 'failed' });
  }
  return overdue.length;
}
