import { getTableColumns, getTableName } from 'drizzle-orm';
import { expect, it } from 'vitest';
import * as tables from './tables.ts';
import { openLedgerDatabase } from './testing/open-ledger-database.ts';

it.each(Object.values(tables))('drizzle describes a table as it was migrated', async (table) => {
  const { database } = await openLedgerDatabase();
  const name = getTableName(table);
  const migrated = await database.read({
    sql: `SELECT name, type, "notnull" OR pk AS required FROM pragma_table_info(?1)`,
    args: [name],
  });
  const described = Object.values(getTableColumns(table)).map((column) => ({
    name: column.name,
    type: column.getSQLType().toUpperCase(),
    required: column.notNull || column.primary ? 1n : 0n,
  }));
  expect(described).toEqual(migrated);
  await database.close();
});
