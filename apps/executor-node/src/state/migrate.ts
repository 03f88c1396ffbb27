import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { digestSha256, utf8 } from '@zerostate/shared';
import { sql as drizzleSql } from 'drizzle-orm';
import type { Database } from './database.ts';

/** Where the migrations lie: inside of an installed package, or at the root of the repository. */
export const MIGRATIONS = migrationsFolder(
  new URL('../../drizzle/executor/', import.meta.url),
  new URL('../../../../drizzle/executor/', import.meta.url),
);

function migrationsFolder(installed: URL, repository: URL): URL {
  return existsSync(installed) ? installed : repository;
}

/**
 * Brings node.db up to date: each file of `folder` once, by name, in its own transaction.
 *
 * Throws when a migration that ran has another text now, or when the database has one that this
 * program does not know: it is of a newer version, and writing to it could lose money.
 */
export async function migrate(database: Database, folder: URL, now: number): Promise<void> {
  await database.executeScript(
    `CREATE TABLE IF NOT EXISTS migration
     (name TEXT PRIMARY KEY, sha256 TEXT NOT NULL, at INTEGER NOT NULL) STRICT`,
  );
  const applied = new Map<string, string>();
  const rows = await database.db.all<{ name: string; sha256: string }>(
    drizzleSql`SELECT name, sha256 FROM migration`,
  );
  for (const { name, sha256 } of rows) applied.set(name, sha256);

  const files = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  const unknown = [...applied.keys()].find((name) => !files.includes(name));
  if (unknown !== undefined)
    throw new Error(`node.db has the migration ${unknown} of a newer node`);
  for (const name of files) {
    const text = await readFile(new URL(name, folder), 'utf8');
    const hash = await digestSha256(utf8(text));
    const known = applied.get(name);
    if (known !== undefined && known !== hash) throw new Error(`migration ${name} was changed`);
    if (known !== undefined) continue;
    // Names and hashes are of this repository: nothing in them needs quoting.
    const record = `INSERT INTO migration VALUES ('${name}', '${hash}', ${now})`;
    await database.executeScript(`BEGIN IMMEDIATE;\n${text}\n${record};\nCOMMIT;`);
  }
}
