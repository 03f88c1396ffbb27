/**
 * A builder that stops in the middle of writing, for freshness.test.ts: it keeps the first chunk,
 * says so on stdout, and waits to be killed.
 */
import { Int8Hnsw, ngramHash384 } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { commandTimers } from '../apps/edge/src/adapters/command-timers.ts';
import { openDatabase } from '../apps/edge/src/adapters/libsql.ts';
import { systemClock, systemRng } from '../apps/edge/src/adapters/system.ts';
import { buildSnapshot } from '../apps/edge/src/search/build.ts';
import { rowSnapshotStore } from '../apps/edge/src/search/snapshot-rows.ts';
import type { Chunks, SnapshotStore } from '../apps/edge/src/search/snapshot-store.ts';

const directory = openDatabase({ url: process.env.DIRECTORY_URL ?? '', synchronous: 'normal' });
const module = await loadInt8Hnsw();
const rows = rowSnapshotStore(directory);
const snapshots: SnapshotStore = {
  ...rows,
  write: (draft, shards) => rows.write(draft, shards.map(firstOnly)),
};

async function* firstOnly(chunks: Chunks): AsyncGenerator<Uint8Array> {
  for await (const chunk of chunks) {
    yield chunk;
    // The store has taken it, or it would not ask for the next.
    console.log('half');
    await new Promise((resolve) => setTimeout(resolve, 600_000));
  }
}

const quietly = () => {};
await buildSnapshot(
  {
    directory,
    clock: systemClock,
    rng: systemRng,
    log: { debug: quietly, info: quietly, warn: quietly, error: quietly },
    search: {
      embedder: ngramHash384,
      engine: (dims, capacity) => new Int8Hnsw({ module, dims, capacity }),
      snapshots,
      timers: commandTimers,
      delta: 1,
    },
  },
  { full: true },
);
