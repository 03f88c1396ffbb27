import { readdir, readFile } from 'node:fs/promises';
import type { Migration } from './migrate.ts';

/** The `*.sql` files of a folder by name, as migrations. */
export async function readMigrations(folder: URL): Promise<Migration[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.sql')).sort();
  return Promise.all(
    files.map(async (file) => ({
      name: file.slice(0, -'.sql'.length),
      sql: await readFile(new URL(file, folder), 'utf8'),
    })),
  );
}
