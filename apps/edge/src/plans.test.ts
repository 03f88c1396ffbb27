/** What the edge asks often must not take longer with everything that its databases hold. */
import { expect, test } from 'vitest';
import { openDatabase } from './adapters/libsql.ts';
import { migrate } from './adapters/migrate.ts';
import { readMigrations } from './adapters/migrations-folder.ts';
import { readFresh } from './hub/link-store.ts';
import { answerFrom } from './ledger/statements.ts';
import { openLedgerDatabase } from './ledger/testing/open-ledger-database.ts';
import type { Database, Statement } from './ports.ts';

const DIRECTORY_FOLDER = new URL('../../../drizzle/directory/', import.meta.url);

async function openDirectory(): Promise<Database> {
  const directory = openDatabase({ url: ':memory:', synchronous: 'normal' });
  await migrate(directory, await readMigrations(DIRECTORY_FOLDER));
  return directory;
}

async function openLedger(): Promise<Database> {
  return (await openLedgerDatabase()).database;
}

async function planOf(database: Database, { sql, args }: Statement): Promise<string[]> {
  const rows = await database.read({ sql: `EXPLAIN QUERY PLAN ${sql}`, args });
  return rows.map(({ detail }) => String(detail));
}

test('the answer to a deposit is not looked for among all accounts', async () => {
  const ledger = await openLedger();
  for (const statement of answerFrom('account_answer', 'did:key:z', null, 200)) {
    const plan = await planOf(ledger, statement);
    expect(plan).toContain('SEARCH a USING INDEX account_available (owner=?)');
  }
  await ledger.close();
});

test.each([
  ['ledger', openLedger],
  ['directory', openDirectory],
])('each second, fresh messages are found by their time: %s', async (_, open) => {
  const database = await open();
  const asked: Statement[] = [];
  const read = (statement: Statement) => {
    asked.push(statement);
    return database.read(statement);
  };
  await readFresh({ ...database, read }, 1);
  for (const statement of asked) {
    const [first] = await planOf(database, statement);
    expect(first).toMatch(/^SEARCH outbox USING .*INDEX outbox_at \(at>\?\)/);
  }
  expect(asked).toHaveLength(1);
  await database.close();
});
