/** A directory whose index of a hundred thousand cards is built: what served searches are asked of. */
import { CardIndex, CHUNK_BYTES, Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { openDatabase } from '../apps/edge/src/adapters/libsql.ts';
import { rowSnapshotStore } from '../apps/edge/src/search/snapshot-rows.ts';
import { snapshotId } from '../apps/edge/src/search/snapshot-store.ts';
import type { Child } from '../scripts/start/child.ts';
import { startDatabases } from '../scripts/start/worker-edge.ts';
import { cached, keep } from './search-cache.ts';
import { syntheticCards } from './search-data.ts';

const CARDS = 100_000;
const NAME = `edge-cards-${CARDS}.bin`;

/**
 * The snapshot, kept between runs for as long as this version of the index can read it, and the
 * wasm memory that it takes: workerd's inspector does not count that one, Node can tell it.
 */
export async function snapshotOf(
  note: (line: string) => void,
): Promise<{ bytes: Buffer; wasmBytes: number }> {
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
    note(`served: building ${CARDS} cards`);
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
export async function prepareDirectory(
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
