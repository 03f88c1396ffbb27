/** What every store of snapshots must do: rows of a directory, files, and R2 inside workerd. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CardIndex, Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { getPlatformProxy } from 'wrangler';
import { openDatabase } from '../adapters/libsql.ts';
import { migrate } from '../adapters/migrate.ts';
import { readMigrations } from '../adapters/migrations-folder.ts';
import { fileSnapshotStore } from '../adapters/snapshots-files.ts';
import { r2SnapshotStore, type SnapshotBucket } from '../adapters/snapshots-r2.ts';
import { rowSnapshotStore } from './snapshot-rows.ts';
import {
  eitherStore,
  type SnapshotDraft,
  type SnapshotStore,
  snapshotId,
} from './snapshot-store.ts';

type Opened = { store: SnapshotStore; close(): Promise<void> };

const STORES: [string, () => Promise<Opened>][] = [
  ['rows of the directory', openRows],
  ['files', openFiles],
  ['R2 in workerd', openR2],
];

async function openRows(): Promise<Opened> {
  const database = openDatabase({ url: ':memory:', synchronous: 'normal' });
  const folder = new URL('../../../../drizzle/directory/', import.meta.url);
  await migrate(database, await readMigrations(folder));
  return { store: rowSnapshotStore(database), close: () => database.close() };
}

async function openFiles(): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'zs-snapshots-'));
  const close = () => rm(folder, { recursive: true, force: true });
  return { store: fileSnapshotStore(join(folder, 'index')), close };
}

async function openR2(): Promise<Opened> {
  const configPath = join(import.meta.dirname, '../../../../test/workerd/snapshots.toml');
  const proxy = await getPlatformProxy<{ SNAPSHOTS: SnapshotBucket }>({
    configPath,
    persist: false,
  });
  return { store: r2SnapshotStore(proxy.env.SNAPSHOTS), close: () => proxy.dispose() };
}

function draft(rev: number, change: Partial<SnapshotDraft> = {}): SnapshotDraft {
  const builtAt = change.builtAt ?? 1_000 + rev;
  const random = change.embedder === undefined ? 'a' : 'b';
  return {
    id: snapshotId({ rev, builtAt, random }),
    embedder: 'e1',
    rev,
    cards: 3,
    builtAt,
    ...change,
  };
}

/** Chunks of sizes that no store is made for, each byte telling where it belongs. */
function* bytes(shard: number, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const size of sizes) {
    yield Uint8Array.from({ length: size }, () => (shard * 31 + at++) % 251);
  }
}

const SIZES = [1_048_576, 1_048_576, 1_048_576, 1_048_576, 1_048_576, 700_001];

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const chunk of chunks) parts.push(Buffer.from(chunk));
  return Buffer.concat(parts);
}

describe.each(STORES)('snapshots in %s', (_, open) => {
  let opened: Opened;
  let store: SnapshotStore;
  beforeAll(async () => {
    opened = await open();
    store = opened.store;
  });
  afterAll(() => opened.close());
  beforeEach(async () => {
    await store.prune({ embedder: 'e1', keep: [], othersBefore: Number.MAX_SAFE_INTEGER });
  });

  const revs = async (embedder = 'e1') => (await store.list(embedder)).map(({ rev }) => rev);

  test('are read as they were written, shard by shard', async () => {
    const written = await store.write(draft(7), [bytes(0, SIZES), bytes(1, [5])]);
    const [listed] = await store.list('e1');
    expect(listed).toEqual(written);
    for (const [shard, sizes] of [SIZES, [5]].entries()) {
      const [read, want] = [await collect(store.read(written, shard)), bytes(shard, sizes)];
      expect(read.equals(Buffer.concat([...want]))).toBe(true);
    }
  });

  test('are listed newest first, each embedder’s apart', async () => {
    for (const rev of [5, 40, 9]) await store.write(draft(rev), [bytes(0, [3])]);
    await store.write(draft(99, { embedder: 'e/2 ü' }), [bytes(0, [3])]);
    expect([await revs(), await revs('e/2 ü')]).toEqual([[40, 9, 5], [99]]);
  });

  test('are not listed when their builder dies, and the last good one stays', async () => {
    await store.write(draft(1), [bytes(0, [9])]);
    function* dies(): Generator<Uint8Array> {
      yield* bytes(0, SIZES);
      throw new Error('killed');
    }
    await expect(store.write(draft(2), [dies()])).rejects.toThrow('killed');
    expect(await revs()).toEqual([1]);
    const [good] = await store.list('e1');
    const keep = good === undefined ? [] : [good.id];
    await store.prune({ embedder: 'e1', keep, othersBefore: 0 });
    expect(good && (await collect(store.read(good, 0))).length).toBe(9);
    const half = { ...draft(2), shards: [SIZES.length] };
    expect((await collect(store.read(half, 0))).length).toBe(0);
  });

  test('go when they are pruned; those of another version not before their time', async () => {
    const kept = await store.write(draft(3), [bytes(0, [4])]);
    await store.write(draft(2), [bytes(0, [4])]);
    await store.write(draft(4, { embedder: 'e2', builtAt: 50 }), [bytes(0, [4])]);
    await store.prune({ embedder: 'e1', keep: [kept.id], othersBefore: 50 });
    expect([await revs(), await revs('e2')]).toEqual([[3], [4]]);
    await store.prune({ embedder: 'e1', keep: [kept.id], othersBefore: 51 });
    expect([await revs(), await revs('e2')]).toEqual([[3], []]);
  });

  test('hold an index that answers as the one they were taken of', async () => {
    const module = await loadInt8Hnsw();
    const empty = () =>
      new CardIndex({
        embedder: ngramHash384,
        engine: (dims, capacity) => new Int8Hnsw({ module, dims, capacity }),
        shardCards: 40,
      });
    const index = empty();
    await index.upsertAll(cards(100), 100);
    index.link(1_000);
    const written = await store.write(draft(100), index.snapshots());
    const copy = empty();
    const shards = written.shards.map((_count, i) => store.read(written, i));
    expect(await copy.restore(shards)).toEqual({ ok: true, rev: 100 });
    const query = { text: 'weather number 42', now: 0 };
    expect(await copy.search(query)).toEqual(await index.search(query));
  });
});

test('a bucket and the directory are one store: written to the first, read from both', async () => {
  const [files, rows] = [await openFiles(), await openRows()];
  const both = eitherStore(files.store, rows.store);
  await rows.store.write(draft(8), [bytes(0, [8])]);
  await both.write(draft(7), [bytes(0, [7])]);
  const listed = await both.list('e1');
  expect(listed.map(({ rev }) => rev)).toEqual([8, 7]);
  const lengths = listed.map(async (each) => (await collect(both.read(each, 0))).length);
  expect(await Promise.all(lengths)).toEqual([8, 7]);
  expect(await files.store.list('e1')).toHaveLength(1);
  await Promise.all([files.close(), rows.close()]);
});

function cards(count: number) {
  return Array.from({ length: count }, (_, i) => ({
    key: `did:key:z6Mk${i}#a`,
    did: `did:key:z6Mk${i}`,
    agent: 'a',
    name: `Number ${i}`,
    description: `Tells the weather of station number ${i}`,
    tags: [],
    skills: [],
    regions: ['eu'],
    price: { base: 1n, perMgas: 0n, perPage: 0n },
    cardSha256: `sha-${i}`,
    expiresAt: 1_000_000,
  }));
}
