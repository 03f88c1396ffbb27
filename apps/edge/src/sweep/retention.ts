/**
 * How long the ledger keeps what is no money and no evidence. Accounts, transfers, channels, lanes,
 * claims, receipts and signed orders stay for good.
 */
import { IDEMPOTENCY_MS, OUTBOX_KEEP_MS, SWEEP_ROWS_MAX } from '@zerostate/shared';
import { outboxForget } from '../hub/outbox.ts';
import type { LedgerPorts } from '../ledger/ports.ts';
import { big } from '../ledger/snapshot.ts';
import type { Database, Statement } from '../ports.ts';

/** Batches of one part in one sweep: what is left is for the next one. */
export const ROUNDS_MAX = 100;

/** Answers after a day, messages after a week, and what closed channels leave behind, at once. */
export async function forget({ database }: LedgerPorts): Promise<number> {
  const [clock] = await database.read({ sql: 'SELECT now_ms FROM clock', args: [] });
  const now = Number(big(clock?.now_ms));
  const parts: Statement[][] = [
    [
      {
        sql: `DELETE FROM idem WHERE (did, route, key) IN (SELECT did, route, key FROM idem
                WHERE at <= ?1 ORDER BY at LIMIT ?2)`,
        args: [now - IDEMPOTENCY_MS, SWEEP_ROWS_MAX],
      },
    ],
    outboxForget(now - OUTBOX_KEEP_MS, SWEEP_ROWS_MAX),
    [ofClosed('mailbox', 'ch, dir, lane')],
    [ofClosed('close_proposal', 'ch')],
  ];
  let forgotten = 0;
  for (const part of parts) forgotten += await untilDone(database, part);
  return forgotten;
}

function ofClosed(table: 'mailbox' | 'close_proposal', key: string): Statement {
  return {
    sql: `DELETE FROM ${table} WHERE (${key}) IN (SELECT ${key} FROM ${table} x
            WHERE EXISTS (SELECT 1 FROM channel c WHERE c.id = x.ch AND c.state = 'closed')
            LIMIT ?1)`,
    args: [SWEEP_ROWS_MAX],
  };
}

/** Rows that the last statement before it took. */
const CHANGES: Statement = { sql: 'SELECT changes() AS n', args: [] };

/**
 * Repeats a batch while its last statement takes as many rows as it may. Other writers get their turn
 * in between.
 */
export async function untilDone(database: Database, batch: readonly Statement[]): Promise<number> {
  let done = 0;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const results = await database.batch([...batch, CHANGES]);
    const rows = Number(results.at(-1)?.[0]?.n ?? 0);
    done += rows;
    if (rows < SWEEP_ROWS_MAX) break;
  }
  return done;
}
