import { condDropped, type EdgeMessage } from '@zerostate/shared';
import type { OffersContext } from './context.ts';
import { insertAbandoned } from './store.ts';

/** `task.cancel`: before its run a task is dropped with its cond; afterwards it is ignored. */
export async function cancelTask(
  offers: OffersContext,
  message: EdgeMessage<'task.cancel'>,
): Promise<void> {
  if (!offers.queue.remove(message.task)) return;
  await abandonTask(offers, message.task, 'cancelled');
}

/** Gives a task up for good: no receipt will ever be signed, so its cond owes nothing. */
export async function abandonTask(
  offers: OffersContext,
  task: string,
  code: string,
): Promise<void> {
  const { book, database, clock, log } = offers.wallet;
  const statements = insertAbandoned({ task, code }, clock.now());
  for (const mirror of book.all()) {
    for (const [lane, { cond }] of Object.entries(mirror.budget.lanes)) {
      if (cond?.task !== task) continue;
      statements.push(...book.change(mirror, condDropped(mirror.budget, Number(lane)), 'dropped'));
    }
  }
  log.warn('task abandoned', { task, code });
  await database.write(statements);
  offers.wallet.kick();
}
