import { readdir } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openDatabase } from './adapters/libsql.ts';
import { migrate } from './adapters/migrate.ts';
import { readMigrations } from './adapters/migrations-folder.ts';
import { DIRECTORY_MIGRATIONS } from './directory-migrations.ts';
import { outboxAck, outboxInsert, outboxRead } from './hub/outbox.ts';
import type { Database } from './ports.ts';

const FOLDER = new URL('../../../drizzle/directory/', import.meta.url);
let database: Database;

beforeAll(async () => {
  database = openDatabase({ url: ':memory:', synchronous: 'normal' });
  await migrate(database, await readMigrations(FOLDER));
});
afterAll(() => database.close());

const run = (sql: string) => database.batch([{ sql, args: [] }]);

test('a worker knows every migration of the folder', async () => {
  const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.sql')).sort();
  expect(DIRECTORY_MIGRATIONS.map((name) => `${name}.sql`)).toEqual(files);
});

describe('an outbox', () => {
  const body = { ch: 'x'.repeat(43), state: 'active' } as const;

  test('numbers go on after everything was acknowledged', async () => {
    await database.batch(outboxInsert('did:1', 'channel.changed', body, 1));
    await database.batch(outboxInsert('did:1', 'channel.changed', body, 2));
    await database.batch(outboxAck('did:1', 2));
    await database.batch(outboxInsert('did:1', 'channel.changed', body, 3));
    const rows = await outboxRead(database, 'did:1', 0, 10);
    expect(rows.map(({ seq }) => seq)).toEqual([3]);
    await expect(run(`DELETE FROM outbox_head`)).rejects.toThrow('never restarts');
  });

  test('an acknowledgement of what was never sent moves nothing', async () => {
    await database.batch(outboxAck('did:1', 99));
    const [head] = await database.read({
      sql: 'SELECT acked FROM outbox_head WHERE did = ?1',
      args: ['did:1'],
    });
    expect(head?.acked).toBe(2n);
  });

  test('ten thousand unacknowledged messages stop the next', async () => {
    await run(`INSERT INTO outbox_head(did, seq, acked) VALUES('did:2', 10000, 0)`);
    await expect(database.batch(outboxInsert('did:2', 'channel.changed', body, 1))).rejects.toThrow(
      'outbox_full',
    );
    expect(await outboxRead(database, 'did:2', 0, 10)).toEqual([]);
  });
});

describe('the schema refuses', () => {
  test.each([
    ['a card rev that does not grow', 'UPDATE card_rev SET rev = rev'],
    ['a card rev that is gone', 'DELETE FROM card_rev'],
    [
      'an accepted task that becomes offered again',
      `INSERT INTO task(id, creator, executor, ch, lane, module, input, state, manifest, cond_id,
         cond, not_after, submitted_at)
       VALUES('${'t'.repeat(43)}', 'c', 'e', '${'c'.repeat(43)}', 1, '${'m'.repeat(43)}',
         '${'i'.repeat(43)}', 'accepted', '{}', '${'d'.repeat(43)}', '{}', 9, 1)`,
    ],
    [
      'a chunk over 256 KiB',
      `INSERT INTO blob_chunk(hash, i, data) VALUES('h', 0, zeroblob(262145))`,
    ],
    [
      'a snapshot whose chunks are not all there',
      `INSERT INTO index_snapshot(id, embedder, rev, cards, shards, built_at)
       VALUES('s', 'e', 1, 1, '[2,1]', 1)`,
    ],
    [
      'a chunk over 1 MiB',
      `INSERT INTO index_chunk(snapshot, shard, i, data) VALUES('s', 0, 0, zeroblob(1048577))`,
    ],
    ['an owner of unknown bytes', `INSERT INTO blob_owner VALUES('nothing', 'd', 1, 1)`],
  ])('%s', async (_, sql) => {
    await expect(run(sql)).rejects.toThrow();
  });

  test('more than 256 MiB for one DID, and counts what it gave back', async () => {
    const put = (name: string) => {
      const hash = name.repeat(43);
      return [
        `INSERT INTO blob(hash, bytes, at) VALUES('${hash}', 8388608, 1)`,
        `INSERT INTO blob_owner(hash, did, bytes, keep_until) VALUES('${hash}', 'd', 8388608, 1)`,
      ].map((sql) => ({ sql, args: [] }));
    };
    const names = 'abcdefghijklmnopqrstuvwxyzABCDEF'.split('');
    for (const name of names) await database.batch(put(name));
    await expect(database.batch(put('G'))).rejects.toThrow('blob_quota');
    await run(`DELETE FROM blob_owner WHERE did = 'd'`);
    const blobs = await database.read({ sql: 'SELECT COUNT(*) AS n FROM blob', args: [] });
    expect(blobs[0]?.n).toBe(0n);
    await database.batch(put('G'));
  });
});
