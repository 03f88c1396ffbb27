/** Snapshots of the search index in R2: objects of a few mebibytes, and a manifest written last. */
import { sha256Base64url, utf8 } from '@zerostate/shared';
import { readManifest, writeManifest } from '../search/snapshot-manifest.ts';
import {
  byNewest,
  type Chunks,
  outdated,
  type SnapshotInfo,
  type SnapshotStore,
} from '../search/snapshot-store.ts';

/** The part of an R2 bucket that is used here. */
export type SnapshotBucket = {
  put(key: string, value: Uint8Array): Promise<unknown>;
  get(key: string): Promise<{ body: ReadableStream<Uint8Array> } | null>;
  delete(keys: string[]): Promise<void>;
  list(options: {
    prefix: string;
    cursor?: string;
  }): Promise<{ objects: { key: string }[]; truncated: boolean; cursor?: string }>;
};

/** An object is held in memory while it is filled; each costs one operation to write and to read. */
const OBJECT_BYTES = 4 * 1_048_576;
const DELETE_MAX = 1_000;
const MANIFESTS = 'index/manifests/';
const DATA = 'index/data/';

export function r2SnapshotStore(bucket: SnapshotBucket): SnapshotStore {
  return {
    async list(embedder) {
      return byNewest(await readManifests(bucket, `${MANIFESTS}${keyOf(embedder)}/`));
    },
    read: (snapshot, shard) => readObjects(bucket, snapshot, shard),
    async write(draft, shards) {
      const counts: number[] = [];
      for (const [shard, chunks] of shards.entries()) {
        counts.push(await writeObjects(bucket, `${DATA}${draft.id}/${shard}`, chunks));
      }
      const snapshot = { ...draft, shards: counts };
      await bucket.put(manifestKey(snapshot), writeManifest(snapshot));
      return snapshot;
    },
    async prune(about) {
      const all = await readManifests(bucket, MANIFESTS);
      const gone = outdated(all, about);
      // Manifests first: a snapshot without one is garbage, the reverse would be a lie.
      await deleteAll(bucket, gone.map(manifestKey));
      const kept = new Set(all.filter((each) => !gone.includes(each)).map(({ id }) => id));
      const keys = await keysUnder(bucket, DATA);
      const isKept = (key: string) => kept.has(key.slice(DATA.length).split('/')[0] ?? '');
      await deleteAll(
        bucket,
        keys.filter((key) => !isKept(key)),
      );
    },
  };
}

/** A name of any characters as part of a key. */
function keyOf(embedder: string): string {
  return sha256Base64url(utf8(embedder)).slice(0, 22);
}

function manifestKey({ embedder, id }: SnapshotInfo): string {
  return `${MANIFESTS}${keyOf(embedder)}/${id}.json`;
}

async function readManifests(bucket: SnapshotBucket, prefix: string): Promise<SnapshotInfo[]> {
  const snapshots: SnapshotInfo[] = [];
  for (const key of await keysUnder(bucket, prefix)) {
    const object = await bucket.get(key);
    if (object === null) continue;
    const snapshot = readManifest(new Uint8Array(await new Response(object.body).arrayBuffer()));
    if (snapshot !== null) snapshots.push(snapshot);
  }
  return snapshots;
}

async function keysUnder(bucket: SnapshotBucket, prefix: string): Promise<string[]> {
  const keys: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
    keys.push(...page.objects.map(({ key }) => key));
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return keys;
}

/** The body of each object as it arrives: nothing is collected here. */
async function* readObjects(
  bucket: SnapshotBucket,
  { id, shards }: SnapshotInfo,
  shard: number,
): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < (shards[shard] ?? 0); i++) {
    const object = await bucket.get(`${DATA}${id}/${shard}/${i}`);
    if (object === null) return;
    const reader = object.body.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      yield value;
    }
  }
}

async function writeObjects(bucket: SnapshotBucket, path: string, chunks: Chunks): Promise<number> {
  const buffer = new Uint8Array(OBJECT_BYTES);
  let used = 0;
  let count = 0;
  const flush = async () => {
    if (used > 0) await bucket.put(`${path}/${count++}`, buffer.subarray(0, used));
    used = 0;
  };
  for await (const chunk of chunks) {
    if (used + chunk.length > OBJECT_BYTES) await flush();
    buffer.set(chunk, used);
    used += chunk.length;
  }
  await flush();
  return count;
}

async function deleteAll(bucket: SnapshotBucket, keys: readonly string[]): Promise<void> {
  for (let at = 0; at < keys.length; at += DELETE_MAX) {
    await bucket.delete(keys.slice(at, at + DELETE_MAX));
  }
}
