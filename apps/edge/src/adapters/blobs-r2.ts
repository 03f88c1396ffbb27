/** Blobs in R2, by hash. Small ones that came inside a message stay in rows of the directory. */
import type { BlobStore } from '../ports.ts';

/** The part of an R2 bucket that is used here. */
export type Bucket = {
  put(key: string, value: Uint8Array): Promise<unknown>;
  get(key: string): Promise<{ body: ReadableStream<Uint8Array> } | null>;
  delete(key: string): Promise<void>;
};

export function r2BlobStore(bucket: Bucket, rows: BlobStore): BlobStore {
  return {
    async put(hash, bytes) {
      await bucket.put(hash, bytes);
    },
    async get(hash) {
      const stored = await bucket.get(hash);
      return stored === null ? rows.get(hash) : stored.body;
    },
    async delete(hash) {
      await bucket.delete(hash);
    },
  };
}
