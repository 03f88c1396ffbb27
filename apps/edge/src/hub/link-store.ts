/** Links in the directory: epochs rise, and what was processed is remembered for each session. */
import { LINK_DEAD_MS, MESH_FEATURE } from '@zerostate/shared';
import type { Database, Statement } from '../ports.ts';
import { outboxRaise } from './outbox.ts';

export type OpenedLink = { epoch: number; seen: number };

/** A hello: the next epoch, and how far this session of the executor's outbox was processed. */
export async function openLink(
  directory: Database,
  hello: { did: string; session: string; features: readonly string[]; now: number },
): Promise<OpenedLink> {
  const { did, session, features, now } = hello;
  const isGateway = features.includes(MESH_FEATURE);
  const [rows] = await directory.batch([
    {
      sql: `INSERT INTO link(did, epoch, session, seen, opened_at) VALUES(?1, 1, ?2, 0, ?3)
            ON CONFLICT(did) DO UPDATE SET epoch = epoch + 1, session = excluded.session,
              seen = CASE WHEN session = excluded.session THEN seen ELSE 0 END,
              opened_at = excluded.opened_at
            RETURNING epoch, seen`,
      args: [did, session, now],
    },
    {
      sql: `INSERT INTO presence(did, epoch, alive_until, mesh) SELECT did, epoch, ?2, ?3 FROM link
            WHERE did = ?1
            ON CONFLICT(did) DO UPDATE SET epoch = excluded.epoch, mesh = excluded.mesh,
              alive_until = MAX(alive_until, excluded.alive_until)`,
      args: [did, now + LINK_DEAD_MS, isGateway ? 1 : 0],
    },
  ]);
  const row = rows?.[0];
  if (row === undefined) throw new Error('a link row was not written');
  return { epoch: Number(row.epoch), seen: Number(row.seen) };
}

/** Whose links were opened last. A row means that a hello of this DID was verified. */
export async function readLinked(directory: Database, limit: number): Promise<string[]> {
  const rows = await directory.read({
    sql: 'SELECT did FROM link ORDER BY opened_at DESC LIMIT ?1',
    args: [limit],
  });
  return rows.map((row) => String(row.did));
}

/** Remembers what was processed. Late, repeated or of an older epoch: nothing changes. */
export function seenUpdate(did: string, epoch: number, seen: number): Statement {
  return {
    sql: 'UPDATE link SET seen = ?3 WHERE did = ?1 AND epoch = ?2 AND seen < ?3',
    args: [did, epoch, seen],
  };
}

/** Those of these DIDs whose epoch is above the one that is known here. */
export async function readPassed(
  directory: Database,
  known: Readonly<Record<string, number>>,
): Promise<string[]> {
  const rows = await directory.read({
    // CROSS JOIN keeps this order: one look by key for each DID.
    sql: `SELECT did FROM json_each(?1) AS known CROSS JOIN link ON did = known.key
          WHERE epoch > known.value`,
    args: [JSON.stringify(known)],
  });
  return rows.map((row) => String(row.did));
}

/** Those of these DIDs whose outbox of one database goes on above the number sent from here. */
export async function readUnsent(
  database: Database,
  sent: Readonly<Record<string, number>>,
): Promise<string[]> {
  const rows = await database.read({
    sql: `SELECT did FROM json_each(?1) AS sent CROSS JOIN outbox_head ON did = sent.key
          WHERE seq > sent.value`,
    args: [JSON.stringify(sent)],
  });
  return rows.map((row) => String(row.did));
}

/** Whose messages of one database were written since `since` (ms) and are not acknowledged. */
export async function readFresh(database: Database, since: number): Promise<Map<string, number>> {
  const rows = await database.read({
    // `+`: by the time first, not through every outbox in the order of DIDs.
    sql: 'SELECT did, MAX(seq) AS seq FROM outbox WHERE at >= ?1 GROUP BY +did',
    args: [since],
  });
  return new Map(rows.map((row) => [String(row.did), Number(row.seq)]));
}

/** Lets an outbox go on above what its receiver has seen; true when it had fallen behind. */
export async function catchUp(database: Database, did: string, seen: number): Promise<boolean> {
  if (seen === 0) return false;
  const sql = 'SELECT seq FROM outbox_head WHERE did = ?1';
  const [head] = await database.read({ sql, args: [did] });
  if (Number(head?.seq ?? 0) >= seen) return false;
  await database.batch(outboxRaise(did, seen));
  return true;
}
