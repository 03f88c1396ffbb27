/** Putting and reading blobs under the rules of protocol.md. */
import { digestSha256, err, ok, type Result } from '@zerostate/shared';
import { isRefusedBy } from '../database-fault.ts';
import type { ProblemCode } from '../http/problem.ts';
import type { LedgerView } from '../ledger-view.ts';
import type { BlobStore, Clock, Database, Statement } from '../ports.ts';
import { BLOB_QUOTA, blobInsert, blobLength, mayRead, ownerInsert } from './store.ts';

/** A blob that no task names yet is kept this long after it was put. */
export const BLOB_KEEP_MS = 86_400_000;

export type BlobDeps = {
  directory: Database;
  blobs: BlobStore;
  clock: Clock;
  ledger: LedgerView;
  arbiters: readonly string[];
};

export type ReadBlob = { bytes: number; isPublic: boolean; stream: ReadableStream<Uint8Array> };

/** Keeps bytes for a DID that has money here. Putting them again keeps them longer. */
export async function putBlob(
  deps: BlobDeps,
  did: string,
  hash: string,
  bytes: Uint8Array,
): Promise<Result<{ isNew: boolean }, ProblemCode>> {
  if ((await digestSha256(bytes)) !== hash) return err('blob-hash-wrong');
  const { directory, clock } = deps;
  if (!(await deps.ledger.isFunded(did))) return err('account-unfunded');
  const now = clock.now();
  const blob = { hash, bytes: bytes.length };
  const owner = ownerInsert(blob, { did, keepUntil: now + BLOB_KEEP_MS });
  try {
    if ((await blobLength(directory, hash)) !== null && (await wasOwned(directory, owner))) {
      return ok({ isNew: false });
    }
    // Bytes before rows: a crash between the two leaves bytes that nobody owns, never the reverse.
    if (bytes.length > 0) await deps.blobs.put(hash, bytes);
    await directory.batch([blobInsert(blob, now), owner]);
    return ok({ isNew: true });
  } catch (error) {
    if (isRefusedBy(error, BLOB_QUOTA)) return err('blob-quota');
    throw error;
  }
}

/** False when the sweep took the bytes away just now. */
async function wasOwned(directory: Database, owner: Statement): Promise<boolean> {
  try {
    await directory.batch([owner]);
    return true;
  } catch (error) {
    if (isRefusedBy(error, 'FOREIGN KEY')) return false;
    throw error;
  }
}

/** A blob for whoever may read it. To everybody else it does not exist. */
export async function readBlob(
  deps: BlobDeps,
  did: string | null,
  hash: string,
): Promise<Result<ReadBlob, ProblemCode>> {
  const reader = { did, isArbiter: did !== null && deps.arbiters.includes(did) };
  const [access, blob] = await deps.directory.readMany([
    mayRead(hash, reader, deps.clock.now()),
    { sql: 'SELECT bytes FROM blob WHERE hash = ?1', args: [hash] },
  ]);
  const isPublic = access?.[0]?.public === 1n;
  const isAllowed = isPublic || (did !== null && access?.[0]?.private === 1n);
  const row = blob?.[0];
  if (!isAllowed || row === undefined) return err('blob-unknown');
  const bytes = Number(row.bytes);
  const stream = bytes === 0 ? emptyStream() : await deps.blobs.get(hash);
  return stream === null ? err('blob-unknown') : ok({ bytes, isPublic, stream });
}

function emptyStream(): ReadableStream<Uint8Array> {
  return new ReadableStream({ start: (controller) => controller.close() });
}
