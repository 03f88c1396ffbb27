import { z } from 'zod';
import type { Database, Row } from '../ports.ts';
import { readAhead, type SnapshotInfo, type SnapshotStore } from './snapshot-store.ts';

const pieces = z.array(z.number().int().nonnegative()).max(1_024);

/** Snapshots as rows of the directory: the store that needs nothing else. */
export function rowSnapshotStore(database: Database): SnapshotStore {
  return {
    async list(embedder) {
      const rows = await database.read({
        sql: `SELECT id, embedder, rev, cards, shards, built_at FROM index_snapshot
              WHERE embedder = ?1 ORDER BY rev DESC, built_at DESC`,
        args: [embedder],
      });
      return rows.map(toInfo);
    },
    read: ({ id, shards }, shard) =>
      readAhead(shards[shard] ?? 0, (i) => readChunk(database, id, shard, i)),
    async write(draft, shards) {
      const counts: number[] = [];
      for (const [shard, chunks] of shards.entries()) {
        let i = 0;
        for await (const data of chunks) {
          await database.batch([
            {
              sql: 'INSERT INTO index_chunk(snapshot, shard, i, data) VALUES(?1, ?2, ?3, ?4)',
              args: [draft.id, shard, i++, data],
            },
          ]);
        }
        counts.push(i);
      }
      const { id, embedder, rev, cards, builtAt } = draft;
      // The schema counts the chunks: those of a builder that lost its lease may be gone by now.
      await database.batch([
        {
          sql: `INSERT INTO index_snapshot(id, embedder, rev, cards, shards, built_at)
                VALUES(?1, ?2, ?3, ?4, ?5, ?6)`,
          args: [id, embedder, rev, cards, JSON.stringify(counts), builtAt],
        },
      ]);
      return { ...draft, shards: counts };
    },
    async prune({ embedder, keep, othersBefore }) {
      await database.batch([
        {
          sql: `DELETE FROM index_snapshot
                WHERE CASE WHEN embedder = ?1 THEN id NOT IN (SELECT value FROM json_each(?2))
                  ELSE built_at < ?3 END`,
          args: [embedder, JSON.stringify(keep), othersBefore],
        },
        {
          sql: 'DELETE FROM index_chunk WHERE snapshot NOT IN (SELECT id FROM index_snapshot)',
          args: [],
        },
      ]);
    },
  };
}

function toInfo(row: Row): SnapshotInfo {
  return {
    id: String(row.id),
    embedder: String(row.embedder),
    rev: Number(row.rev),
    cards: Number(row.cards),
    builtAt: Number(row.built_at),
    shards: pieces.parse(JSON.parse(String(row.shards))),
  };
}

async function readChunk(
  database: Database,
  snapshot: string,
  shard: number,
  i: number,
): Promise<Uint8Array | null> {
  const [row] = await database.read({
    sql: 'SELECT data FROM index_chunk WHERE snapshot = ?1 AND shard = ?2 AND i = ?3',
    args: [snapshot, shard, i],
  });
  return row?.data instanceof Uint8Array ? row.data : null;
}
