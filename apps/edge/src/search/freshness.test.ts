/** One worker's index: snapshot, what came since, and what happens when a snapshot is no good. */
import { Int8Hnsw, ngramHash384, quantise } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { createSigner, type Signer, searchAnswerSchema } from '@zerostate/shared';
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { makePublication } from '../../test-support/documents.ts';
import { createEdgeWorld, type EdgeWorld } from '../../test-support/world.ts';
import { systemRng, systemTimers } from '../adapters/system.ts';
import { type Built, buildSnapshot } from './build.ts';
import { CardFeed } from './card-feed.ts';
import type { IndexDeps } from './held-index.ts';
import { DELTA_DEFAULT, type SearchPorts } from './ports.ts';
import { rowSnapshotStore } from './snapshot-rows.ts';
import type { SnapshotInfo, SnapshotStore } from './snapshot-store.ts';

const WORDS = [
  'weather',
  'sudoku',
  'thumbnail',
  'invoice',
  'translate',
  'chess',
  'route',
  'colour',
];

let module: WebAssembly.Module;
let people: Signer[];
let world: EdgeWorld;

beforeAll(async () => {
  module = await loadInt8Hnsw();
  const seeds = WORDS.map((_, i) => new Uint8Array(32).fill(100 + i));
  people = await Promise.all(seeds.map((seed) => createSigner(seed)));
});
beforeEach(async () => {
  world = await createEdgeWorld();
});
afterEach(() => world.close());

async function publish(i: number, change: { seq?: string; revoked?: 'true'; words?: string } = {}) {
  const { words = `${WORDS[i]} service`, ...record } = change;
  const [signer] = people.slice(i);
  if (signer === undefined) throw new Error('nobody');
  const about = { now: world.now(), name: words, description: words, ...record };
  const json = await makePublication(world.network, signer, about);
  expect((await world.call('POST', '/v1/cards', { json })).status).toBe(201);
  return signer.did;
}

function depsWith(change: Partial<SearchPorts> = {}): IndexDeps & { warned: string[] } {
  const warned: string[] = [];
  const quiet = () => {};
  return {
    directory: world.directory,
    clock: { now: world.now },
    log: {
      debug: quiet,
      info: quiet,
      warn: (event, fields) => warned.push(`${event}: ${fields?.code}`),
      error: (event, _, error) => warned.push(`${event}: ${error}`),
    },
    search: {
      embedder: ngramHash384,
      engine: (dims, capacity) => new Int8Hnsw({ module, dims, capacity }),
      snapshots: rowSnapshotStore(world.directory),
      timers: systemTimers,
      delta: 1,
      ...change,
    },
    warned,
  };
}

/** Another worker on the same database. */
function worker(deps: IndexDeps): CardFeed {
  return new CardFeed({ ...deps, ledger: world.directory, scores: async () => new Map() });
}

/** The directory has no scores: asked for them, it says that there are none. */
beforeEach(async () => {
  await world.directory.batch([
    { sql: 'CREATE TABLE score(subject TEXT PRIMARY KEY, epoch INTEGER)', args: [] },
  ]);
});

const build = (deps: IndexDeps, options = {}): Promise<Built> =>
  buildSnapshot({ ...deps, rng: systemRng }, options);

async function found(feed: CardFeed, text: string): Promise<string[]> {
  const answer = await feed.index.search({ text, now: world.now() }, feed.publishers.signals);
  if (!answer.ok) throw new Error(answer.code);
  return answer.results.map(({ name }) => name);
}

async function freshened(deps: IndexDeps): Promise<CardFeed> {
  const feed = worker(deps);
  await feed.freshen(() => {});
  return feed;
}

describe('a worker that starts', () => {
  test('has the snapshot and what came after it: new, replaced and revoked cards', async () => {
    for (let i = 0; i < 5; i++) await publish(i);
    const deps = depsWith();
    expect(await build(deps)).toMatchObject({ outcome: 'written', snapshot: { rev: 5, cards: 5 } });
    await publish(5);
    await publish(0, { seq: '2', words: 'astrology' });
    await publish(1, { seq: '2', revoked: 'true' });
    const feed = await freshened(deps);
    expect(deps.warned).toEqual([]);
    expect(feed.index.rev).toBe(8);
    expect(await found(feed, 'chess')).toContain('chess service');
    expect((await found(feed, 'astrology'))[0]).toBe('astrology');
    expect(await found(feed, 'weather')).not.toContain('weather service');
    expect(await found(feed, 'sudoku')).not.toContain('sudoku service');
    expect((await found(feed, 'thumbnail'))[0]).toBe('thumbnail service');
  });

  test('knows publishers without money from before the snapshot', async () => {
    const [alone] = people;
    await publish(0, { words: 'same words' });
    for (const signer of people.slice(1, 2)) await world.fund(signer);
    await publish(1, { words: 'same words' });
    await build(depsWith());
    const feed = await freshened(depsWith());
    const answer = await feed.index.search(
      { text: 'same words', now: world.now() },
      feed.publishers.signals,
    );
    expect(answer.ok && answer.results.at(-1)?.did).toBe(alone?.did);
  });

  test('answers from the newer cards when the snapshot takes too long, and says so', async () => {
    await publish(0);
    await build(depsWith());
    await publish(1);
    const never = stalled(rowSnapshotStore(world.directory));
    const timers = { ...systemTimers, after: (_ms: number, run: () => void) => soon(run) };
    const feed = await freshened(depsWith({ snapshots: never.store, timers }));
    expect(feed.isLoaded).toBe(false);
    expect(await found(feed, 'sudoku weather')).toEqual(['sudoku service']);
    never.release();
    await until(() => feed.isLoaded);
    expect(await found(feed, 'weather')).toContain('weather service');
  });
});

describe('a snapshot is refused with a reason, and the cards are read instead', () => {
  type Damage = (chunk: Uint8Array, i: number) => Uint8Array | null;
  const cases: [string, string, Damage][] = [
    ['cut short', 'truncated', (chunk) => chunk.subarray(0, chunk.length - 9)],
    ['without any chunk', 'truncated', () => null],
    ['with one bit flipped', 'corrupt', (chunk) => flipped(chunk, chunk.length - 5000)],
    ['with a bit of its header flipped', 'corrupt', (chunk) => flipped(chunk, 40)],
    ['of other bytes', 'not-a-snapshot', (chunk) => chunk.map(() => 7)],
  ];
  test.each(cases)('%s', async (_, code, damage) => {
    for (let i = 0; i < 3; i++) await publish(i);
    await build(depsWith());
    const deps = depsWith({ snapshots: damaged(rowSnapshotStore(world.directory), damage) });
    const feed = await freshened(deps);
    expect(deps.warned).toEqual([`index snapshot refused: ${code}`]);
    expect(await found(feed, 'sudoku')).toContain('sudoku service');
    // The next build does not stand on it either, and leaves one that can be used.
    await publish(3);
    expect(await build(deps)).toMatchObject({ outcome: 'written', snapshot: { cards: 4 } });
    const next = depsWith();
    expect((await freshened(next)).index.size).toBe(4);
    expect(next.warned).toEqual([]);
  });

  test('of another embedder, also under a false name', async () => {
    await publish(0);
    const other = {
      id: 'other-384',
      dims: 384,
      embed: async (texts: readonly string[]) =>
        texts.map((text) =>
          quantise(Float32Array.from({ length: 384 }, (_v, i) => text.length - i)),
        ),
    };
    await build(depsWith({ embedder: other }));
    expect((await freshened(depsWith())).isLoaded).toBe(true);
    const renamed = rowSnapshotStore(world.directory);
    const deps = depsWith({ snapshots: { ...renamed, list: () => renamed.list('other-384') } });
    expect((await freshened(deps)).index.size).toBe(1);
    expect(deps.warned).toEqual(['index snapshot refused: other-embedder']);
  });

  test('of another engine, and the older one is taken', async () => {
    await publish(0);
    await build(depsWith());
    await publish(1);
    const { engine: _, ...plain } = depsWith().search;
    await build({ ...depsWith(), search: plain });
    await publish(2);
    const deps = depsWith();
    const feed = await freshened(deps);
    // The plain builder could not use the first one either: what it made stands on its own.
    expect(deps.warned).toEqual(['index snapshot refused: other-version']);
    expect([feed.index.rev, feed.index.size]).toEqual([3, 3]);
  });
});

describe('a builder', () => {
  test('does nothing until enough has changed or time has passed', async () => {
    await publish(0);
    const deps = depsWith({ delta: DELTA_DEFAULT });
    expect((await build(deps)).outcome).toBe('written');
    await publish(1);
    expect((await build(deps)).outcome).toBe('current');
    await world.pass(600_000);
    expect(await build(deps)).toMatchObject({ outcome: 'written', snapshot: { rev: 2 } });
    expect((await build(deps)).outcome).toBe('current');
  });

  test('gives way to another that holds the lease, and keeps two snapshots', async () => {
    await publish(0);
    const deps = depsWith();
    const both = await Promise.all([build(deps), build(deps)]);
    expect(both.map(({ outcome }) => outcome).sort()).toEqual(['busy', 'written']);
    for (let i = 1; i < 5; i++) {
      await publish(i);
      await build(deps);
    }
    const kept = await deps.search.snapshots.list('ngram-hash-384');
    expect(kept.map(({ rev }) => rev)).toEqual([5, 4]);
    const [{ chunks } = {}] = await world.directory.read({
      sql: 'SELECT COUNT(DISTINCT snapshot) AS chunks FROM index_chunk',
      args: [],
    });
    expect(chunks).toBe(2n);
  });

  test('that loses its lease in the middle leaves the last good snapshot in use', async () => {
    await publish(0);
    const deps = depsWith();
    await build(deps);
    await publish(1);
    const steal = {
      sql: `UPDATE lease SET holder = 'another', until = 9e15 WHERE name = 'index'`,
      args: [],
    };
    const progress = async ({ step }: { step: string }) => {
      if (step === 'write') await world.directory.batch([steal]);
    };
    expect((await build(deps, { progress })).outcome).toBe('busy');
    const [newest] = await deps.search.snapshots.list('ngram-hash-384');
    expect(newest?.rev).toBe(1);
    expect((await freshened(deps)).index.rev).toBe(2);
  });

  test('takes expired cards out', async () => {
    await publish(0);
    const deps = depsWith();
    await build(deps);
    await world.pass(3_600_000);
    await publish(1);
    expect(await build(deps)).toMatchObject({ snapshot: { cards: 1, rev: 2 } });
  });
});

test('a worker with a long delta takes up the newer snapshot and misses nothing', async () => {
  await publish(0);
  const deps = depsWith();
  const feed = await freshened(deps);
  const before = feed.index;
  for (let i = 1; i < 6; i++) await publish(i);
  await build(deps);
  const works: Promise<void>[] = [];
  const later = (work: Promise<void>) => void works.push(work);
  await feed.refresh(later);
  await publish(6);
  while (works.length > 0) await Promise.all(works.splice(0));
  await feed.refresh();
  expect(deps.warned).toEqual([]);
  expect(feed.index).not.toBe(before);
  expect([feed.index.size, feed.index.rev]).toEqual([7, 7]);
  expect(await found(feed, 'route')).toContain('route service');
});

test('an answer while the index loads says that it is partial', async () => {
  await publish(0);
  await build(depsWith());
  const never = stalled(rowSnapshotStore(world.directory));
  const timers = { ...systemTimers, after: (_ms: number, run: () => void) => soon(run) };
  const cold = await createEdgeWorld({}, { snapshots: never.store, timers });
  const answer = await cold.call('POST', '/v1/search', { json: { text: 'weather' } });
  expect(searchAnswerSchema.parse(await answer.json())).toMatchObject({
    partial: true,
    results: [],
    empty: 'nothing-passes',
  });
  never.release();
  await cold.close();
});

function flipped(chunk: Uint8Array, at: number): Uint8Array {
  const copy = chunk.slice();
  copy[at] = (copy[at] ?? 0) ^ 1;
  return copy;
}

/** The newest of the first list is damaged, and no other. */
function damaged(
  store: SnapshotStore,
  damage: (chunk: Uint8Array, i: number) => Uint8Array | null,
): SnapshotStore {
  const broken = new Set<string>();
  return {
    ...store,
    async list(embedder) {
      const listed = await store.list(embedder);
      for (const { id } of listed.slice(0, 1)) if (broken.size === 0) broken.add(id);
      return listed;
    },
    async *read(snapshot, shard) {
      let i = 0;
      for await (const chunk of store.read(snapshot, shard)) {
        const given = broken.has(snapshot.id) ? damage(chunk, i++) : chunk;
        if (given !== null) yield given;
      }
    },
  };
}

/** Gives no chunk until it is released. */
function stalled(store: SnapshotStore) {
  let release = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  return {
    release: () => release(),
    store: {
      ...store,
      async *read(snapshot: SnapshotInfo, shard: number) {
        await released;
        yield* store.read(snapshot, shard);
      },
    },
  };
}

function soon(run: () => void): () => void {
  const handle = setImmediate(run);
  return () => clearImmediate(handle);
}

async function until(done: () => boolean): Promise<void> {
  while (!done()) await new Promise((resolve) => setImmediate(resolve));
}
