/** A migrated ledger database for tests, with a clock that the test moves. */
import { openDatabase } from '../../adapters/libsql.ts';
import { migrate } from '../../adapters/migrate.ts';
import { readMigrations } from '../../adapters/migrations-folder.ts';
import type { Database } from '../../ports.ts';

export const LEDGER_MIGRATIONS_FOLDER = new URL('../../../../../drizzle/ledger/', import.meta.url);

export type TestLedgerDatabase = {
  database: Database;
  /** Sets what the ledger's guards read as the time, in ms. */
  setTime(ms: number): Promise<void>;
};

/** In memory unless a `file:` URL is given. The view `clock` is replaced by a table. */
export async function openLedgerDatabase(
  options: { url?: string; now?: number } = {},
): Promise<TestLedgerDatabase> {
  const database = openDatabase({ url: options.url ?? ':memory:', synchronous: 'full' });
  await migrate(database, await readMigrations(LEDGER_MIGRATIONS_FOLDER));
  await replaceClock(database, options.now ?? 1_000);
  const setTime = async (ms: number) => {
    await database.batch([{ sql: 'UPDATE clock SET now_ms = ?1', args: [ms] }]);
  };
  return { database, setTime };
}

/** A database file that a test opens again keeps the clock table and its time. */
async function replaceClock(database: Database, now: number): Promise<void> {
  const [clock] = await database.read({
    sql: `SELECT type FROM sqlite_schema WHERE name = 'clock'`,
    args: [],
  });
  if (clock?.type === 'table') return;
  await database.batch([
    { sql: 'DROP VIEW clock', args: [] },
    { sql: 'CREATE TABLE clock(now_ms INTEGER NOT NULL) STRICT', args: [] },
    { sql: 'INSERT INTO clock VALUES (?1)', args: [now] },
  ]);
}
