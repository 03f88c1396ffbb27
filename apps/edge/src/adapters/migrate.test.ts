import { describe, expect, it } from 'vitest';
import { openDatabase } from './libsql.ts';
import { type Migration, migrate, pendingMigrations, splitStatements } from './migrate.ts';

const FIRST: Migration = { name: '0001_a', sql: 'CREATE TABLE a(x INTEGER) STRICT;' };
const SECOND: Migration = {
  name: '0002_b',
  sql: `-- a; comment
    CREATE TRIGGER t BEFORE INSERT ON a WHEN NEW.x > 5 BEGIN
      SELECT CASE WHEN 1 THEN RAISE(ABORT, 'too; large') END;
    END;
    CREATE INDEX i ON a(x);`,
};
const open = () => openDatabase({ url: ':memory:', synchronous: 'full' });

describe('migrations', () => {
  it('apply once each, in order, and say what is pending', async () => {
    const database = open();
    const names = ['0001_a', '0002_b'];
    expect(await pendingMigrations(database, names)).toEqual(names);
    expect(await migrate(database, [FIRST])).toEqual(['0001_a']);
    expect(await pendingMigrations(database, names)).toEqual(['0002_b']);
    expect(await migrate(database, [FIRST, SECOND])).toEqual(['0002_b']);
    expect(await migrate(database, [FIRST, SECOND])).toEqual([]);
    expect(await pendingMigrations(database, names)).toEqual([]);
    await database.close();
  });

  it('refuse to go on when an applied one was edited or taken away', async () => {
    const database = open();
    await migrate(database, [FIRST]);
    const edited = { ...FIRST, sql: `${FIRST.sql} ` };
    await expect(migrate(database, [edited])).rejects.toThrow('0001_a was edited');
    await expect(migrate(database, [SECOND])).rejects.toThrow('0001_a is not in the list');
    await database.close();
  });

  it('leave nothing of one that fails half way', async () => {
    const database = open();
    const broken = { name: '0001_a', sql: 'CREATE TABLE a(x INTEGER) STRICT; CREATE TABLE a(y);' };
    await expect(migrate(database, [broken])).rejects.toThrow();
    expect(await migrate(database, [FIRST])).toEqual(['0001_a']);
    await database.close();
  });

  it('keep a trigger whole and ignore semicolons in comments and strings', () => {
    const statements = splitStatements(`${FIRST.sql}\n${SECOND.sql}\n-- the end;\n`);
    expect(statements).toHaveLength(3);
    expect(statements[1]).toContain('too; large');
  });
});
