/**
 * Messages for executors, written in the batch of the fact that causes them.
 *
 * Both databases have the same two tables:
 *   outbox_head(did PRIMARY KEY, seq, acked, CONSTRAINT outbox_full CHECK(seq - acked <= 10000))
 *   outbox(did, seq, type, body, at, PRIMARY KEY(did, seq))
 * `seq` rises per DID and never restarts. A batch that would leave more than 10 000 unacknowledged
 * messages fails as a whole on `outbox_full`: the route answers `busy`.
 */
import type { EdgeMessage, EdgeMessageType } from '@zerostate/shared';
import type { Database, Row, Statement } from '../ports.ts';

/** Named in the error of a batch whose receiver has too much waiting. */
export const OUTBOX_FULL = 'outbox_full';

/** Two statements for a batch of either database. `at` in ms. */
export function outboxInsert<T extends EdgeMessageType>(
  did: string,
  type: T,
  body: EdgeMessage<T>,
  at: number,
): Statement[] {
  return [
    {
      sql: `INSERT INTO outbox_head(did, seq, acked) VALUES(?1, 1, 0)
            ON CONFLICT(did) DO UPDATE SET seq = seq + 1`,
      args: [did],
    },
    {
      sql: `INSERT INTO outbox(did, seq, type, body, at)
            SELECT did, seq, ?2, ?3, ?4 FROM outbox_head WHERE did = ?1`,
      args: [did, type, JSON.stringify(body), at],
    },
  ];
}

/** Whether this very message waits for its receiver. */
export async function outboxHas<T extends EdgeMessageType>(
  database: Database,
  did: string,
  type: T,
  body: EdgeMessage<T>,
): Promise<boolean> {
  const rows = await database.read({
    sql: 'SELECT 1 FROM outbox WHERE did = ?1 AND type = ?2 AND body = ?3 LIMIT 1',
    args: [did, type, JSON.stringify(body)],
  });
  return rows.length > 0;
}

/** Deletes what the receiver has; an older or repeated acknowledgement changes nothing. */
export function outboxAck(did: string, seq: number): Statement[] {
  return [
    {
      sql: `UPDATE outbox_head SET acked = ?2 WHERE did = ?1 AND acked < ?2 AND seq >= ?2`,
      args: [did, seq],
    },
    { sql: `DELETE FROM outbox WHERE did = ?1 AND seq <= ?2`, args: [did, seq] },
  ];
}

/**
 * For a receiver that has seen more than this outbox ever sent: the database was restored from an
 * older copy. What waits moves above `seen`, in its order, and so does what comes later: a receiver
 * drops what is not above it. Messages that it knows already do no harm.
 */
export function outboxRaise(did: string, seen: number): Statement[] {
  return [
    {
      sql: `UPDATE outbox SET seq = seq + ?2
            WHERE did = ?1 AND (SELECT seq FROM outbox_head WHERE did = ?1) < ?2`,
      args: [did, seen],
    },
    {
      sql: `INSERT INTO outbox_head(did, seq, acked) VALUES(?1, ?2, ?2)
            ON CONFLICT(did) DO UPDATE SET seq = seq + ?2, acked = acked + ?2 WHERE seq < ?2`,
      args: [did, seen],
    },
  ];
}

/**
 * Forgets messages written before `before` that nobody fetched, oldest first. Their receiver counts
 * as having them, so that it does not stay shut by the limit on what waits.
 */
export function outboxForget(before: number, rowsMax: number): Statement[] {
  const old = 'SELECT did, seq FROM outbox WHERE at < ?1 ORDER BY at, did, seq LIMIT ?2';
  return [
    {
      sql: `UPDATE outbox_head SET acked = MAX(acked, (SELECT MAX(seq) FROM (${old}) o
              WHERE o.did = outbox_head.did))
            WHERE did IN (SELECT did FROM (${old}))`,
      args: [before, rowsMax],
    },
    {
      sql: `DELETE FROM outbox WHERE (did, seq) IN (SELECT did, seq FROM (${old}))`,
      args: [before, rowsMax],
    },
  ];
}

/** A message as it lies in an outbox; `body` is JSON text. */
export type OutboxRow = { seq: number; type: string; body: string };

/** The next messages above `after`, oldest first. */
export async function outboxRead(
  database: Database,
  did: string,
  after: number,
  limit: number,
): Promise<OutboxRow[]> {
  const rows = await database.read({
    sql: 'SELECT seq, type, body FROM outbox WHERE did = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3',
    args: [did, after, limit],
  });
  return rows.map(toOutboxRow);
}

function toOutboxRow(row: Row): OutboxRow {
  return { seq: Number(row.seq), type: String(row.type), body: String(row.body) };
}
