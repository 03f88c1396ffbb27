/** What a creator signs about a task that it submitted. */
import { type Envelope, err, ok, openEnvelope, type Result } from '@zerostate/shared';
import type { z } from 'zod';
import type { ProblemCode } from '../http/problem.ts';
import type { TaskDeps } from './deps.ts';
import { readTask, type TaskRow } from './store.ts';

export type CreatorWord<B> = { id: string; body: B; envelope: Envelope<B>; task: TaskRow };

/** The word and its task, if the task's creator has signed it. */
export async function openCreatorWord<B>(
  deps: TaskDeps,
  about: { task: string; type: string; schema: z.ZodType<B> },
  raw: Envelope<unknown>,
): Promise<Result<CreatorWord<B>, ProblemCode>> {
  const rules = { maxSigs: 1 };
  const { network, verifier } = deps;
  const opened = await openEnvelope(network, raw, about.schema, about.type, verifier, rules);
  if (!opened.ok) return opened;
  const task = await readTask(deps.directory, about.task);
  if (task === null) return err('task-unknown', about.task);
  const { id, body, envelope } = opened.value;
  if (envelope.sigs[0]?.by !== task.creator) return err('signer-missing', task.creator);
  return ok({ id, body, envelope, task });
}
