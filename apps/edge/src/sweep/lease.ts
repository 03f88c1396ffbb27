import type { Database } from '../ports.ts';

/** Who may sweep now. A holder that died is replaced when its lease runs out. */
export const LEASE_MS = 30_000;

/** Takes or renews the lease; false while another worker holds it. By the database's clock. */
export async function takeLease(
  database: Database,
  name: string,
  holder: string,
): Promise<boolean> {
  const [, , rows] = await database.batch([
    {
      sql: `INSERT INTO lease(name, holder, until)
            SELECT ?1, ?2, 0 WHERE NOT EXISTS (SELECT 1 FROM lease WHERE name = ?1)`,
      args: [name, holder],
    },
    {
      sql: `UPDATE lease SET holder = ?2, until = (SELECT now_ms FROM clock) + ?3
            WHERE name = ?1 AND (holder = ?2 OR until <= (SELECT now_ms FROM clock))`,
      args: [name, holder, LEASE_MS],
    },
    { sql: 'SELECT holder FROM lease WHERE name = ?1', args: [name] },
  ]);
  return rows?.[0]?.holder === holder;
}

/** Gives the lease back, so that the next worker need not wait for it to run out. */
export async function returnLease(database: Database, name: string, holder: string): Promise<void> {
  await database.batch([
    { sql: 'UPDATE lease SET until = 0 WHERE name = ?1 AND holder = ?2', args: [name, holder] },
  ]);
}
