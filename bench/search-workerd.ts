/**
 * A hundred thousand cards in one workerd isolate: the real worker loads their snapshot from the
 * directory and answers, while the inspector is asked what the isolate holds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { CardIndex, CHUNK_BYTES, Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { openDatabase } from '../apps/edge/src/adapters/libsql.ts';
import { rowSnapshotStore } from '../apps/edge/src/search/snapshot-rows.ts';
import { snapshotId } from '../apps/edge/src/search/snapshot-store.ts';
import type { Child } from '../scripts/start/child.ts';
import { freePort } from '../scripts/start/state.ts';
import { startDatabases, startWorkerEdge } from '../scripts/start/worker-edge.ts';
import { watchIsolate } from './inspector.ts';
import { type BenchResult, quantile } from './report.ts';
import { cached, keep, round } from './search-cache.ts';
import { syntheticCards } from './search-data.ts';

const CARDS = 100_000;
const QUERIES = 200;
/** Requests under way at a time. */
const AT_ONCE = 32;
const MIB = 2 ** 20;
const NAME = `edge-cards-${CARDS}.bin`;

type Note = (line: string) => void;

/** `workerd.100k.*`: JavaScript heap, array buffers and wasm memory at their peak, and at the end. */
export async function measureWorkerd(note: Note): Promise<BenchResult[]> {
  const state = await mkdtemp(join(tmpdir(), 'zs-workerd-'));
  const children: Child[] = [];
  const started = (child: Child) => {
    children.push(child);
  };
  try {
    const { bytes, wasmBytes } = await snapshotOf(note);
    await prepare(state, started, bytes);
    note('workerd: starting');
    const inspectorPort = await freePort(9_300);
    const edge = startWorkerEdge(state, 21_500, started, { inspectorPort });
    edge.catch(() => undefined);
    const isolate = await watchIsolate(inspectorPort);
    const url = await edge;
    const loadMs = Date.now() - isolate.startedAt;
    note('workerd: asking');
    const times = await ask(url);
    const peak = await isolate.close();
    note(`workerd: ${JSON.stringify(mebibytes({ ...peak.at, wasmBytes }))} MiB at the peak`);
    const mib = { unit: 'MiB', better: 'lower' } as const;
    return [
      { name: 'workerd.100k.mib', value: round((peak.bytes + wasmBytes) / MIB), ...mib },
      {
        name: 'workerd.100k.settled_mib',
        value: round((peak.lastBytes + wasmBytes) / MIB),
        ...mib,
      },
      { name: 'workerd.100k.load_ms', value: round(loadMs), unit: 'ms', better: 'lower' },
      {
        name: 'workerd.100k.http.p50_ms',
        value: round(quantile(times, 0.5)),
        unit: 'ms',
        better: 'lower',
      },
    ];
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(state, { recursive: true, force: true });
  }
}

/**
 * The snapshot, kept between runs for as long as this version of the index can read it, and the
 * wasm memory that it takes: workerd's inspector does not count that one, Node can tell it.
 */
async function snapshotOf(note: Note): Promise<{ bytes: Buffer; wasmBytes: number }> {
  const module = await loadInt8Hnsw();
  let engine: Int8Hnsw | undefined;
  const fresh = () =>
    new CardIndex({
      embedder: ngramHash384,
      engine: (dims, capacity) => {
        engine = new Int8Hnsw({ module, dims, capacity });
        return engine;
      },
    });
  const build = async () => {
    note(`workerd: building ${CARDS} cards`);
    const index = fresh();
    await index.upsertAll(syntheticCards(CARDS, 0).cards, 1);
    index.link(CARDS);
    index.calibrate();
    return Buffer.concat(index.snapshots().flatMap((chunks) => [...chunks]));
  };
  const restored = async (bytes: Buffer) => (await fresh().restore([chunksOf(bytes)])).ok;
  let bytes = await cached(NAME, build);
  if (!(await restored(bytes))) {
    bytes = Buffer.from(await build());
    keep(NAME, bytes);
    await restored(bytes);
  }
  return { bytes, wasmBytes: engine?.memoryBytes ?? 0 };
}

function* chunksOf(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) yield bytes.subarray(at, at + CHUNK_BYTES);
}

/** The snapshot as rows of a directory that has nothing newer. */
async function prepare(
  state: string,
  started: (child: Child) => void,
  bytes: Buffer,
): Promise<void> {
  let databases: Child | undefined;
  const { DIRECTORY_URL: url } = await startDatabases(state, (child) => {
    databases = child;
    started(child);
  });
  const directory = openDatabase({ url, synchronous: 'normal' });
  const builtAt = Date.now();
  const id = snapshotId({ rev: 1, builtAt, random: 'bench' });
  const draft = { id, embedder: ngramHash384.id, rev: 1, cards: CARDS, builtAt };
  await rowSnapshotStore(directory).write(draft, [chunksOf(bytes)]);
  await directory.batch([{ sql: 'UPDATE card_rev SET rev = 1', args: [] }]);
  await directory.close();
  await databases?.stop();
}

/** Milliseconds of each answer: half of them are asked many at a time, then one by one. */
async function ask(url: string): Promise<number[]> {
  const { queries } = syntheticCards(1, QUERIES);
  const search = async (text: string) => {
    const start = performance.now();
    const response = await fetch(`${url}/v1/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text, k: 10, filters: { regions: ['eu', 'us'] }, explain: true }),
    });
    const { results, partial } = (await response.json()) as {
      results?: unknown[];
      partial?: boolean;
    };
    if (partial === true || results?.length !== 10) throw new Error(`answer ${response.status}`);
    return performance.now() - start;
  };
  const half = queries.length / 2;
  for (let at = 0; at < half; at += AT_ONCE) {
    await Promise.all(queries.slice(at, Math.min(at + AT_ONCE, half)).map(search));
  }
  const times: number[] = [];
  for (const text of queries.slice(half)) times.push(await search(text));
  await pause(500);
  return times;
}

function mebibytes(usage: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(usage).map(([name, bytes]) => [name, round(Number(bytes) / MIB)]),
  );
}
