/** What the ledger asks of tasks: how long they took, and the receipts they ended with. */
import {
  type Envelope,
  envelopeField,
  type TaskReceipt,
  taskReceiptSchema,
} from '@zerostate/shared';
import type { TaskRecords } from '../ledger/ports.ts';
import type { Database } from '../ports.ts';

const storedReceipt = envelopeField.extend({ body: taskReceiptSchema });

export function taskRecords(directory: Database): TaskRecords {
  return {
    async durations(tasks) {
      const rows = await directory.read({
        sql: `SELECT id, done_at - accepted_at AS ms FROM task
              WHERE id IN (SELECT value FROM json_each(?1)) AND done_at IS NOT NULL`,
        args: [JSON.stringify(tasks)],
      });
      return new Map(rows.map((row) => [String(row.id), Math.max(0, Number(row.ms))]));
    },
    receipt: (id) => readReceipt(directory, id),
  };
}

async function readReceipt(directory: Database, id: string): Promise<Envelope<TaskReceipt> | null> {
  const [row] = await directory.read({
    sql: 'SELECT receipt FROM task WHERE receipt_id = ?1',
    args: [id],
  });
  return row === undefined ? null : storedReceipt.parse(JSON.parse(String(row.receipt)));
}
