/** Blobs and who put them (protocol.md, Blobs). */
import { BLOB_CHUNK_BYTES } from '@zerostate/shared';
import type { BlobStore, Database, Statement } from '../ports.ts';

/** Named in the error of a batch that would keep too much for one DID. */
export const BLOB_QUOTA = 'blob_quota';

export type BlobName = { hash: string; bytes: number };
export type BlobOwner = { did: string; keepUntil: number };

/** Makes bytes known. */
export function blobInsert(blob: BlobName, at: number): Statement {
  return {
    sql: 'INSERT INTO blob(hash, bytes, at) VALUES(?1, ?2, ?3) ON CONFLICT(hash) DO NOTHING',
    args: [blob.hash, blob.bytes, at],
  };
}

/** Makes known bytes owned; refused when they are not known. Owning them again keeps them longer. */
export function ownerInsert(blob: BlobName, owner: BlobOwner): Statement {
  return {
    sql: `INSERT INTO blob_owner(hash, did, bytes, keep_until) VALUES(?1, ?2, ?3, ?4)
          ON CONFLICT(hash, did) DO UPDATE SET keep_until = MAX(keep_until, excluded.keep_until)`,
    args: [blob.hash, owner.did, blob.bytes, owner.keepUntil],
  };
}

/** Everything about bytes that came inside a message. */
export function inlineInsert(
  hash: string,
  bytes: Uint8Array,
  owner: BlobOwner,
  at: number,
): Statement[] {
  const blob = { hash, bytes: bytes.length };
  return [blobInsert(blob, at), ...chunkInsert(hash, bytes), ownerInsert(blob, owner)];
}

/** The bytes as rows of at most BLOB_CHUNK_BYTES. The same hash means the same rows. */
export function chunkInsert(hash: string, bytes: Uint8Array): Statement[] {
  const statements: Statement[] = [];
  for (let start = 0; start < bytes.length; start += BLOB_CHUNK_BYTES) {
    statements.push({
      sql: `INSERT INTO blob_chunk(hash, i, data) VALUES(?1, ?2, ?3)
            ON CONFLICT(hash, i) DO NOTHING`,
      args: [hash, start / BLOB_CHUNK_BYTES, bytes.subarray(start, start + BLOB_CHUNK_BYTES)],
    });
  }
  return statements;
}

/** Keeps an owner's blob at least until then. */
export function blobKeep(hash: string, did: string, keepUntil: number): Statement {
  return {
    sql: `UPDATE blob_owner SET keep_until = ?3
          WHERE hash = ?1 AND did = ?2 AND keep_until < ?3`,
    args: [hash, did, keepUntil],
  };
}

/** Bytes in rows of the directory: the store that needs nothing else. */
export function rowBlobStore(database: Database): BlobStore {
  return {
    async put(hash, bytes) {
      await database.batch(chunkInsert(hash, bytes));
    },
    async get(hash) {
      const first = await readChunk(database, hash, 0);
      return first === null ? null : chunkStream(database, hash, first);
    },
    async delete(hash) {
      await database.batch([{ sql: 'DELETE FROM blob_chunk WHERE hash = ?1', args: [hash] }]);
    },
  };
}

function chunkStream(
  database: Database,
  hash: string,
  first: Uint8Array,
): ReadableStream<Uint8Array> {
  let index = 0;
  let chunk: Uint8Array | null = first;
  return new ReadableStream({
    async pull(controller) {
      if (chunk === null) return controller.close();
      controller.enqueue(chunk);
      // A short row is the last one.
      const isLast = chunk.length < BLOB_CHUNK_BYTES;
      index++;
      chunk = isLast ? null : await readChunk(database, hash, index);
      if (chunk === null) controller.close();
    },
  });
}

async function readChunk(database: Database, hash: string, i: number): Promise<Uint8Array | null> {
  const [row] = await database.read({
    sql: 'SELECT data FROM blob_chunk WHERE hash = ?1 AND i = ?2',
    args: [hash, i],
  });
  return row?.data instanceof Uint8Array ? row.data : null;
}

/** Whether anyone put these bytes, and their length. */
export async function blobLength(database: Database, hash: string): Promise<number | null> {
  const [row] = await database.read({
    sql: 'SELECT bytes FROM blob WHERE hash = ?1',
    args: [hash],
  });
  return row === undefined ? null : Number(row.bytes);
}

/**
 * Whether a DID may read a blob: anyone a module that a live card names; who put the bytes; creator
 * and executor of a task that has them as module, input or output (a task is only stored when its
 * creator put the input, a result when its executor put the output); arbiters those of any task.
 */
export function mayRead(
  hash: string,
  reader: { did: string | null; isArbiter: boolean },
  now: number,
): Statement {
  return {
    sql: `SELECT EXISTS (SELECT 1 FROM card_module m JOIN card c ON c.did = m.did AND c.agent = m.agent
              WHERE m.module = ?1 AND c.revoked = 0 AND c.expires_at > ?4) AS public,
            EXISTS (SELECT 1 FROM blob_owner WHERE hash = ?1 AND did = ?2)
            OR EXISTS (SELECT 1 FROM task WHERE input = ?1 AND (?3 OR executor = ?2 OR creator = ?2))
            OR EXISTS (SELECT 1 FROM task WHERE output = ?1 AND (?3 OR executor = ?2 OR creator = ?2))
            OR EXISTS (SELECT 1 FROM task WHERE module = ?1 AND (?3 OR executor = ?2)) AS private`,
    args: [hash, reader.did ?? '', reader.isArbiter ? 1 : 0, now],
  };
}

/** Owners whose time is over; a module stays while a live card names it. */
export async function expiredOwners(
  database: Database,
  now: number,
  rowsMax: number,
): Promise<{ hash: string; did: string }[]> {
  const rows = await database.read({
    sql: `SELECT hash, did FROM blob_owner o WHERE keep_until < ?1
            AND NOT EXISTS (SELECT 1 FROM card_module m
              JOIN card c ON c.did = m.did AND c.agent = m.agent
              WHERE m.module = o.hash AND c.revoked = 0 AND c.expires_at > ?1)
          ORDER BY keep_until LIMIT ?2`,
    args: [now, rowsMax],
  });
  return rows.map((row) => ({ hash: String(row.hash), did: String(row.did) }));
}

/** Takes a blob from one owner; from its last one, a trigger takes the rows. */
export function ownerDelete(hash: string, did: string, now: number): Statement {
  return {
    sql: 'DELETE FROM blob_owner WHERE hash = ?1 AND did = ?2 AND keep_until < ?3',
    args: [hash, did, now],
  };
}
