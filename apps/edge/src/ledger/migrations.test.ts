import { expect, it } from 'vitest';
import { readMigrations } from '../adapters/migrations-folder.ts';
import { LEDGER_MIGRATIONS } from './migrations.ts';
import { LEDGER_MIGRATIONS_FOLDER } from './testing/open-ledger-database.ts';

it('a worker knows every migration of the ledger, in order', async () => {
  const files = await readMigrations(LEDGER_MIGRATIONS_FOLDER);
  expect(files.map(({ name }) => name)).toEqual(LEDGER_MIGRATIONS);
});
