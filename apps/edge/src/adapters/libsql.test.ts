import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import type { Database, Statement } from '../ports.ts';
import { type HranaServer, startHranaServer } from './hrana-dev-server.ts';
import { openDatabase } from './libsql.ts';
import { DatabaseError } from './libsql-error.ts';

const statement = (text: string, ...args: Statement['args']): Statement => ({ sql: text, args });
const CREATE = statement(
  'CREATE TABLE note(id INTEGER PRIMARY KEY, size INTEGER CHECK(size < 100), body BLOB) STRICT',
);
const insert = (id: number, size: number) =>
  statement('INSERT INTO note(id, size) VALUES (?1, ?2)', id, size);

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'libsql-'));
  cleanups.push(() => rm(folder, { recursive: true }));
  return join(folder, 'test.db');
}
async function open(kind: 'memory' | 'file' | 'http'): Promise<Database> {
  const file = kind === 'memory' ? ':memory:' : await newFile();
  let server: HranaServer | null = null;
  if (kind === 'http') {
    server = await startHranaServer({ file, synchronous: 'full', authToken: 'secret' });
    const { close } = server;
    cleanups.push(close);
  }
  const url = server?.url ?? (kind === 'file' ? `file:${file}` : file);
  const database = openDatabase({ url, authToken: 'secret', synchronous: 'full' });
  cleanups.push(() => database.close());
  return database;
}

describe.each(['memory', 'file', 'http'] as const)('a libSQL database (%s)', (kind) => {
  it('keeps all of a batch or nothing, and says which statement was refused', async () => {
    const database = await open(kind);
    await database.batch([CREATE]);
    const refused = database.batch([insert(1, 5), insert(2, 100), insert(3, 5)]);
    const error = await refused.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(DatabaseError);
    expect(error).toMatchObject({ fault: 'refused', statement: 1 });
    expect(await database.read(statement('SELECT id FROM note'))).toEqual([]);
  });

  it('gives integers as bigint and blobs as the bytes that were stored', async () => {
    const database = await open(kind);
    await database.batch([CREATE]);
    const bytes = Uint8Array.of(0, 255, 7);
    const [rows] = await database.batch([
      statement(
        'INSERT INTO note VALUES (?1, ?2, ?3) RETURNING id, body, ?2 / 2 AS half',
        1,
        7,
        bytes,
      ),
    ]);
    expect(rows).toEqual([{ id: 1n, body: bytes, half: 3n }]);
    const big = 2n ** 62n;
    expect(await database.read(statement('SELECT ?1 AS big, NULL AS none', big))).toEqual([
      { big, none: null },
    ]);
  });

  it('lets one refused writer out of fifty leave the others alone', async () => {
    const database = await open(kind);
    await database.batch([CREATE]);
    const writes = Array.from({ length: 50 }, (_, id) =>
      database.batch([insert(id, id === 20 ? 100 : id), insert(id + 1_000, 1)]),
    );
    const settled = await Promise.allSettled(writes);
    expect(settled.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    const [row] = await database.read(statement('SELECT count(*) AS n FROM note'));
    expect(row?.n).toBe(98n);
  });

  it('gives every reader a snapshot, at whatever moment of a commit it asks', async () => {
    const database = await open(kind);
    await database.batch([CREATE]);
    const count = statement('SELECT count(*) AS n FROM note');
    // More than share one commit, so that the next one follows at once; each reader a little later.
    const writeAndRead = async (id: number) => {
      await database.batch([insert(id, 1)]);
      for (let hop = 0; hop < id % 20; hop++) await Promise.resolve();
      const [first, second] = await database.readMany([count, count]);
      expect(first).toEqual(second);
    };
    await Promise.all(Array.from({ length: 300 }, (_, id) => writeAndRead(id)));
    expect(await database.read(count)).toEqual([{ n: 300n }]);
  });

  it('names a wrong statement as a bug, not as a refusal', async () => {
    const database = await open(kind);
    const wrong = database.batch([statement('SELEC 1')]);
    await expect(wrong).rejects.toMatchObject({ fault: 'invalid' });
  });

  it('reads several statements from one snapshot and through drizzle', async () => {
    const database = await open(kind);
    await database.batch([CREATE]);
    await database.batch([insert(1, 5)]);
    const [all, one] = await database.readMany([
      statement('SELECT id FROM note'),
      statement('SELECT size FROM note WHERE id = ?1', 1),
    ]);
    expect([all, one]).toEqual([[{ id: 1n }], [{ size: 5n }]]);
    const rows = await database.drizzle.all(sql`SELECT id, size FROM note WHERE id = ${1}`);
    expect(rows).toEqual([{ id: 1n, size: 5n }]);
  });
});

describe('an embedded database file', () => {
  it('serves writers of two processes without losing a row', async () => {
    const url = `file:${await newFile()}`;
    const [one, two] = [0, 1].map(() => openDatabase({ url, synchronous: 'normal' }));
    if (one === undefined || two === undefined) throw new Error('unreachable');
    await one.batch([CREATE]);
    const ids = Array.from({ length: 100 }, (_, id) => id);
    await Promise.all(ids.map((id) => (id % 2 === 0 ? one : two).batch([insert(id, 1)])));
    const [row] = await two.read(statement('SELECT count(*) AS n FROM note'));
    expect(row?.n).toBe(100n);
    await one.close();
    await two.close();
  });

  it('keeps what it answered when it is opened again, and answers nothing after close', async () => {
    const url = `file:${await newFile()}`;
    const before = openDatabase({ url, synchronous: 'full' });
    await before.batch([CREATE]);
    const late = before.batch([insert(1, 1)]);
    await before.close();
    await expect(late).resolves.toBeDefined();
    await expect(before.batch([insert(2, 1)])).rejects.toMatchObject({ fault: 'unavailable' });
    const after = openDatabase({ url, synchronous: 'full' });
    expect(await after.read(statement('SELECT id FROM note'))).toEqual([{ id: 1n }]);
    await after.close();
  });

  it('flushes every commit of a ledger, and uses a write-ahead log', async () => {
    const database = openDatabase({ url: `file:${await newFile()}`, synchronous: 'full' });
    expect(await database.read(statement('PRAGMA synchronous'))).toEqual([{ synchronous: 2n }]);
    expect(await database.read(statement('PRAGMA journal_mode'))).toEqual([
      { journal_mode: 'wal' },
    ]);
    expect(await database.read(statement('PRAGMA foreign_keys'))).toEqual([{ foreign_keys: 1n }]);
    await database.close();
  });
});
