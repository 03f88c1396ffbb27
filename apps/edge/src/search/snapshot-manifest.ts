import { fromUtf8, jcs, parseJson, utf8 } from '@zerostate/shared';
import { z } from 'zod';
import type { SnapshotInfo } from './snapshot-store.ts';

/** An embedder is someone's own text, such as a model's name: short and plain enough for a path. */
const schema = z.strictObject({
  id: z.string().regex(/^[0-9a-zA-Z_-]{1,64}$/),
  embedder: z.string().min(1).max(256),
  rev: z.number().int().nonnegative(),
  cards: z.number().int().nonnegative(),
  builtAt: z.number().int().nonnegative(),
  shards: z.array(z.number().int().nonnegative()).max(1_024),
});

/** What files and buckets keep beside the pieces of a snapshot. */
export function writeManifest(snapshot: SnapshotInfo): Uint8Array<ArrayBuffer> {
  return utf8(jcs({ ...snapshot, shards: [...snapshot.shards] }));
}

/** The snapshot that a manifest describes; null when the bytes describe none. */
export function readManifest(bytes: Uint8Array): SnapshotInfo | null {
  const text = fromUtf8(bytes);
  const json = text.ok ? parseJson(text.value) : text;
  if (!json.ok) return null;
  const parsed = schema.safeParse(json.value);
  return parsed.success ? parsed.data : null;
}
