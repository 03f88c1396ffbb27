/** What an accepted task that came to nothing says about its executor. */
import { envelopeField, paychCondSchema, taskAcceptSchema } from '@zerostate/shared';
import { z } from 'zod';
import type { TaskLedger } from './deps.ts';
import type { TaskRow } from './store.ts';

const storedAccept = envelopeField.extend({ body: taskAcceptSchema });
const storedCond = z.object({ body: paychCondSchema });

/** Null for a task that nobody accepted: only an accepted task can fail. */
export function failureOf(task: TaskRow): Parameters<TaskLedger['recordFailure']>[0] | null {
  if (task.accept === null || task.acceptedAt === null) return null;
  const cond = storedCond.parse(JSON.parse(task.cond)).body;
  return {
    task: task.id,
    executor: task.executor,
    creator: task.creator,
    accept: storedAccept.parse(JSON.parse(task.accept)),
    acceptedAt: task.acceptedAt,
    cap: BigInt(cond.cap),
  };
}
