/** Snapshots of the search index as files: a folder each, whose manifest is written last. */
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { readManifest, writeManifest } from '../search/snapshot-manifest.ts';
import {
  byNewest,
  type Chunks,
  outdated,
  type SnapshotInfo,
  type SnapshotStore,
} from '../search/snapshot-store.ts';

const MANIFEST = 'manifest.json';
const READ_BYTES = 1_048_576;

/** The folder is made at the first write, readable by its owner alone. */
export function fileSnapshotStore(folder: string): SnapshotStore {
  return {
    async list(embedder) {
      const { whole } = await contents(folder);
      return byNewest(whole.filter((snapshot) => snapshot.embedder === embedder));
    },
    read: ({ id }, shard) => readChunks(join(folder, id, `${shard}.bin`)),
    async write(draft, shards) {
      const path = join(folder, draft.id);
      await mkdir(path, { recursive: true, mode: 0o700 });
      const counts: number[] = [];
      for (const [shard, chunks] of shards.entries()) {
        counts.push(await writeChunks(join(path, `${shard}.bin`), chunks));
      }
      const snapshot = { ...draft, shards: counts };
      await writeChunks(join(path, `${MANIFEST}.new`), [writeManifest(snapshot)]);
      // From here on it is listed; the bytes were flushed before.
      await rename(join(path, `${MANIFEST}.new`), join(path, MANIFEST));
      return snapshot;
    },
    async prune(about) {
      const { whole, unfinished } = await contents(folder);
      const names = [...outdated(whole, about).map(({ id }) => id), ...unfinished];
      for (const name of names) await rm(join(folder, name), { recursive: true, force: true });
    },
  };
}

/** Folders with a readable manifest, and the names of those without. */
async function contents(folder: string): Promise<{ whole: SnapshotInfo[]; unfinished: string[] }> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(ifMissing([]));
  const whole: SnapshotInfo[] = [];
  const unfinished: string[] = [];
  for (const entry of entries) {
    if (!entry.isDirectory()) continue;
    const bytes = await readFile(join(folder, entry.name, MANIFEST)).catch(ifMissing(null));
    const snapshot = bytes === null ? null : readManifest(bytes);
    if (snapshot?.id === entry.name) whole.push(snapshot);
    else unfinished.push(entry.name);
  }
  return { whole, unfinished };
}

/** One buffer is filled again and again: whoever takes a chunk copies what it keeps of it. */
async function* readChunks(path: string): AsyncGenerator<Uint8Array> {
  const file = await open(path).catch(ifMissing(null));
  if (file === null) return;
  try {
    const buffer = new Uint8Array(READ_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, READ_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

async function writeChunks(path: string, chunks: Chunks): Promise<number> {
  const file = await open(path, 'w', 0o600);
  try {
    let count = 0;
    for await (const chunk of chunks) {
      await file.writeFile(chunk);
      count++;
    }
    await file.sync();
    return count;
  } finally {
    await file.close();
  }
}

function ifMissing<T>(instead: T): (error: unknown) => T {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return instead;
    throw error;
  };
}
