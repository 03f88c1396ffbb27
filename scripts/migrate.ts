/**
 * Brings both databases up to date: `npm run migrate`.
 *
 * LEDGER_URL and DIRECTORY_URL name them (file:, http:, https: or libsql:), LEDGER_TOKEN and
 * DIRECTORY_TOKEN authenticate; a database without a URL is left alone.
 */
import { openDatabase } from '../apps/edge/src/adapters/libsql.ts';
import { migrate } from '../apps/edge/src/adapters/migrate.ts';
import { readMigrations } from '../apps/edge/src/adapters/migrations-folder.ts';

async function migrateOne(name: 'ledger' | 'directory'): Promise<void> {
  const prefix = name.toUpperCase();
  const url = process.env[`${prefix}_URL`];
  if (url === undefined || url === '') {
    console.error(`${prefix}_URL is not set: the ${name} is left alone`);
    return;
  }
  const synchronous = name === 'ledger' ? 'full' : 'normal';
  const authToken = process.env[`${prefix}_TOKEN`];
  const database = openDatabase({ url, authToken, synchronous });
  try {
    const migrations = await readMigrations(new URL(`../drizzle/${name}/`, import.meta.url));
    const applied = await migrate(database, migrations);
    console.log(`${name}: ${applied.length === 0 ? 'up to date' : applied.join(', ')}`);
  } finally {
    await database.close();
  }
}

await migrateOne('ledger');
await migrateOne('directory');
