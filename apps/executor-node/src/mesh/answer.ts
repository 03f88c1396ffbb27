import type { Message, Reply } from '@zerostate/mesh';
import {
  type Did,
  encodeBase64url,
  envelopeField,
  err,
  ok,
  type TaskManifest,
  taskManifestSchema,
} from '@zerostate/shared';
import { z } from 'zod';
import { inlineOf, readResult, readTask, type TaskRow } from '../offers/store.ts';
import { type Statement, sql } from '../state/database.ts';
import type { WalletContext } from '../wallet/context.ts';

type ResultMessage = Extract<Message, { type: 'task.result' }>;

const storedManifest = z.object({ body: taskManifestSchema });

export function manifestOf(row: Pick<TaskRow, 'manifest'>): TaskManifest {
  return storedManifest.parse(JSON.parse(row.manifest)).body;
}

/**
 * How a task is now, for a peer that holds its signed offer. An output too large for the message
 * follows it. A gateway is given the accept alone, as the edge may have heard of nothing yet and
 * takes no result before it: the result is told afterwards.
 */
export async function answerOf(wallet: WalletContext, task: string, to: Did): Promise<Reply> {
  const { database, clock } = wallet;
  const row = await readTask(database, task);
  if (row === null) return err('task-unknown', task);
  if (row.state === 'rejected' || row.state === 'abandoned') {
    return ok({ message: { type: 'task.reject', body: { task, code: row.code } } });
  }
  const isCreator = manifestOf(row).creator === to;
  const result = isCreator ? await readResult(database, task) : null;
  if (result !== null) {
    await database.write(delivered(task, to, clock.now()));
    return ok(resultMessage(result.receipt, result.bytes));
  }
  const accept = envelopeField.parse(JSON.parse(row.accept ?? 'null'));
  return ok({ message: { type: 'task.accept', body: { accept } } });
}

/** A result as it travels, and the bytes that follow it where they do not fit inside. */
export function resultMessage(
  receipt: string,
  output: Uint8Array | null,
): { message: ResultMessage; body?: Uint8Array } {
  const inline = inlineOf(output);
  const message = {
    type: 'task.result' as const,
    body: {
      receipt: envelopeField.parse(JSON.parse(receipt)),
      ...(inline === null ? {} : { output: encodeBase64url(inline) }),
    },
  };
  return output === null || inline !== null ? { message } : { message, body: output };
}

/** The creator has the result: from now on it is due to be paid. */
export function delivered(task: string, did: Did, now: number): Statement[] {
  return [
    sql('UPDATE receipt SET delivered_at = coalesce(delivered_at, ?) WHERE task = ?', now, task),
    sql('DELETE FROM push WHERE task = ? AND did = ?', task, did),
  ];
}
