import type { Client } from '@libsql/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openFileClient } from './file-client.ts';

let client: Client;

beforeEach(async () => {
  client = openFileClient({ path: ':memory:', intMode: 'number', busyMsMax: 0 });
  await client.execute('CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT, bytes BLOB) STRICT');
});
afterEach(() => client.close());

const insert = (id: number, text: string) => ({
  sql: 'INSERT INTO t (id, text, bytes) VALUES (?, ?, ?)',
  args: [id, text, Uint8Array.of(id)],
});

test('a batch that fails leaves nothing, and the next one works', async () => {
  await expect(client.batch([insert(1, 'a'), insert(1, 'b')], 'write')).rejects.toThrow('UNIQUE');
  expect((await client.execute('SELECT * FROM t')).rows).toEqual([]);
  await client.batch([insert(1, 'a')], 'write');
  const { rows } = await client.execute('SELECT * FROM t');
  expect(rows.map(({ id, text, bytes }) => [id, text, bytes])).toEqual([
    [1, 'a', Uint8Array.of(1).buffer],
  ]);
});

test('a kept statement shows the columns that a later script adds', async () => {
  await client.batch([insert(1, 'a')], 'write');
  await client.execute('SELECT * FROM t');
  await client.executeMultiple("ALTER TABLE t ADD COLUMN more TEXT DEFAULT 'x'");
  expect((await client.execute('SELECT * FROM t')).rows[0]?.more).toBe('x');
});

test('an integer that a number does not hold is an error, not another integer', async () => {
  await client.execute('INSERT INTO t (id) VALUES (9007199254740993)');
  await expect(client.execute('SELECT id FROM t')).rejects.toThrow(RangeError);
});
