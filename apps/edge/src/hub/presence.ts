/** Who is connected, as the directory remembers it: a hint that ages by itself. */
import { LINK_DEAD_MS } from '@zerostate/shared';
import type { Database, Statement } from '../ports.ts';

/** What an executor says of its load. */
export type Load = { queue: number; running: number; capacity: number };

export async function isOnline(database: Database, did: string, now: number): Promise<boolean> {
  const rows = await database.read({
    sql: 'SELECT 1 AS online FROM presence WHERE did = ?1 AND alive_until > ?2',
    args: [did, now],
  });
  return rows.length > 0;
}

/** Who is online, and what each last said of its load; null when it has said nothing yet. */
export async function onlineLoads(
  database: Database,
  now: number,
): Promise<Map<string, Load | null>> {
  const rows = await database.read({
    sql: 'SELECT did, queue, running, capacity FROM presence WHERE alive_until > ?1',
    args: [now],
  });
  return new Map(
    rows.map(({ did, queue, running, capacity }) => [
      String(did),
      capacity === 0n
        ? null
        : { queue: Number(queue), running: Number(running), capacity: Number(capacity) },
    ]),
  );
}

/** The link lives: online until it would be given up. An older epoch changes nothing. */
export function presenceAlive(did: string, epoch: number, load: Load, now: number): Statement {
  return {
    sql: `INSERT INTO presence(did, epoch, alive_until, queue, running, capacity)
          VALUES(?1, ?2, ?3, ?4, ?5, ?6)
          ON CONFLICT(did) DO UPDATE SET epoch = excluded.epoch,
            alive_until = excluded.alive_until, queue = excluded.queue,
            running = excluded.running, capacity = excluded.capacity
          WHERE excluded.epoch >= presence.epoch`,
    args: [did, epoch, now + LINK_DEAD_MS, load.queue, load.running, load.capacity],
  };
}

/** The link ended; unless a newer one has taken over. */
export function presenceGone(did: string, epoch: number, now: number): Statement {
  return {
    sql: 'UPDATE presence SET alive_until = ?3 WHERE did = ?1 AND epoch = ?2',
    args: [did, epoch, now],
  };
}
