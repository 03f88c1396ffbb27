/** Migrations: an append-only list of SQL texts, each applied once and remembered by its hash. */
import { sha256Base64url, utf8 } from '@zerostate/shared';
import type { Database, Statement } from '../ports.ts';

/** `name` orders the list: `0001_accounts`. */
export type Migration = { name: string; sql: string };

/** A migration that was applied is not the one in the list any more: somebody edited history. */
export class MigrationChanged extends Error {
  override readonly name = 'MigrationChanged';
}

const CREATE = `CREATE TABLE IF NOT EXISTS migration(
  name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, at INTEGER NOT NULL
) STRICT`;
const APPLIED = 'SELECT name, sha256 FROM migration ORDER BY name';

/**
 * Applies what is missing, each migration in one transaction, and returns their names. Throws
 * `MigrationChanged` when an applied one has another text now, or is not in the list.
 */
export async function migrate(
  database: Database,
  migrations: readonly Migration[],
): Promise<string[]> {
  await database.batch([{ sql: CREATE, args: [] }]);
  const applied = await database.read({ sql: APPLIED, args: [] });
  for (const [index, row] of applied.entries()) {
    const expected = migrations[index];
    if (expected === undefined || expected.name !== row.name)
      throw new MigrationChanged(`${row.name} is not in the list`);
    if (hashOf(expected) !== row.sha256) throw new MigrationChanged(`${row.name} was edited`);
  }
  const missing = migrations.slice(applied.length);
  for (const migration of missing) {
    await database.batch([
      ...splitStatements(migration.sql).map((sql) => ({ sql, args: [] })),
      remember(migration),
    ]);
  }
  return missing.map(({ name }) => name);
}

/** Names in the list that are not applied yet; every name where nothing ever was. */
export async function pendingMigrations(
  database: Database,
  names: readonly string[],
): Promise<string[]> {
  const table = await database.read({
    sql: `SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'migration'`,
    args: [],
  });
  if (table.length === 0) return [...names];
  const applied = await database.read({ sql: APPLIED, args: [] });
  const known = new Set(applied.map(({ name }) => name));
  return names.filter((name) => !known.has(name));
}

function remember(migration: Migration): Statement {
  return {
    sql: `INSERT INTO migration(name, sha256, at)
          VALUES (?1, ?2, CAST(unixepoch('subsec') * 1000 AS INTEGER))`,
    args: [migration.name, hashOf(migration)],
  };
}

function hashOf({ sql }: Migration): string {
  return sha256Base64url(utf8(sql));
}

/** Comments, strings, quoted names, words and single characters. */
const TOKEN = /--[^\n]*|\/\*[\s\S]*?\*\/|'(?:[^']|'')*'|"(?:[^"]|"")*"|\w+|[^\s]/g;

/** The statements of a text. As in sqlite3_complete, a trigger ends with `; END;`. */
export function splitStatements(text: string): string[] {
  const statements: string[] = [];
  let start = 0;
  let words: string[] = [];
  for (const match of text.matchAll(TOKEN)) {
    const token = match[0].toUpperCase();
    if (token.startsWith('--') || token.startsWith('/*')) continue;
    words.push(token);
    if (token !== ';' || isInsideTrigger(words)) continue;
    const end = match.index + 1;
    if (words.length > 1) statements.push(text.slice(start, end).trim());
    start = end;
    words = [];
  }
  if (words.length > 0) statements.push(text.slice(start).trim());
  return statements;
}

function isInsideTrigger(words: readonly string[]): boolean {
  const isTrigger = words[0] === 'CREATE' && words.slice(1, 3).includes('TRIGGER');
  return isTrigger && !(words.at(-2) === 'END' && words.at(-3) === ';');
}
