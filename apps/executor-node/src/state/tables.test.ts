import { getTableConfig, type SQLiteTable } from 'drizzle-orm/sqlite-core';
import { expect, test } from 'vitest';
import { openDatabase } from '../adapters/database.ts';
import { MIGRATIONS, migrate } from './migrate.ts';
import * as tables from './tables.ts';

async function migrated() {
  const database = await openDatabase(':memory:');
  await migrate(database, MIGRATIONS, 1);
  return database;
}

test('every column that the code reads is in the migrated database, and no other', async () => {
  const database = await migrated();
  const rows = await database.db.all<{ name: string }>(
    "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  );
  const mirrored = Object.values<SQLiteTable>(tables).map((table) => getTableConfig(table).name);
  expect(new Set(rows.map(({ name }) => name))).toEqual(new Set([...mirrored, 'migration']));
  for (const table of Object.values<SQLiteTable>(tables)) {
    const { name, columns } = getTableConfig(table);
    const real = await database.db.all<{ name: string; type: string; notnull: number; pk: number }>(
      `SELECT name, lower(type) AS type, "notnull", pk FROM pragma_table_info('${name}')`,
    );
    expect(
      real.map((column) => `${column.name} ${column.type} ${column.notnull || column.pk ? 1 : 0}`),
    ).toEqual(columns.map((c) => `${c.name} ${c.getSQLType()} ${c.notNull ? 1 : 0}`));
  }
  await database.close();
});

test('migrating twice changes nothing, and a database of a newer node is refused', async () => {
  const database = await migrated();
  await migrate(database, MIGRATIONS, 2);
  await database.executeScript("INSERT INTO migration VALUES ('9999_later.sql', 'x', 1)");
  await expect(migrate(database, MIGRATIONS, 3)).rejects.toThrow(/9999_later/);
  await database.close();
});
