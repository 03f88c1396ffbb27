import type { Envelope, TaskAnswer } from '@zerostate/shared';
import type { CallOptions } from '../edge-client.ts';
import type { EdgeResult } from '../http/outcome.ts';
import type { WalletTask } from '../wallet/model.ts';
import { type CallerEdge, isUnknown } from './context.ts';
import { submit } from './order.ts';
import type { SentOrders } from './sent-orders.ts';

/** Time for an executor to tell an edge what it has done for somebody who went another way. */
const TOLD_MS = 15_000;
/** The edge has the task, and not its receipt yet. */
const RECEIPT_AWAITED = 'task-terms';

export interface HandingOver {
  edge: Pick<CallerEdge, 'object' | 'putBlob' | 'submitTask' | 'task'>;
  orders: SentOrders;
}

type Order = Pick<WalletTask, 'task' | 'manifest' | 'cond'>;

/**
 * Gives a task that went to its executor over the mesh to an edge as well, and waits for its
 * receipt there. It is the same task: it is not run again. null for one that went no such way.
 */
export async function handOver(
  { edge, orders }: HandingOver,
  { task, manifest, cond }: Order,
): Promise<EdgeResult<TaskAnswer> | null> {
  const input = await orders.input(task);
  if (input === null) return null;
  const submitted = await submit({ edge }, { manifest, cond }, input);
  if (!submitted.ok || submitted.value.receipt !== null) return submitted;
  return edge.task(task, { waitMs: TOLD_MS });
}

/** Objects at an edge; a task that it does not know, or not the end of, is handed over first. */
export async function objectAt(
  parties: HandingOver,
  order: Order | null,
  objection: { task: string; envelope: Envelope<unknown> },
  options?: CallOptions,
): Promise<EdgeResult<TaskAnswer>> {
  const object = () => parties.edge.object(objection.task, objection.envelope, options);
  const first = await object();
  if (first.ok || order === null) return first;
  if (!isUnknown(first) && first.code !== RECEIPT_AWAITED) return first;
  const handed = await handOver(parties, order);
  if (handed === null) return first;
  return handed.ok ? object() : handed;
}
