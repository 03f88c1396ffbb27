import { encodeBase64url } from '@zerostate/shared';
import { asc, gt } from 'drizzle-orm';
import type { Rng } from '../ports.ts';
import { type Database, type Statement, sql } from './database.ts';
import * as tables from './tables.ts';

/** What `init` pinned: a node never talks to another edge or network than these. */
export interface Pinned {
  did: string;
  /** Origin of the edge. */
  edge: string;
  edgeDid: string;
  network: string;
  asset: string;
}

export type NodeRow = typeof tables.node.$inferSelect;
export type OutboxRow = typeof tables.outbox.$inferSelect;

/** The pinned edge answers at another origin now. */
export function moveEdge(edge: string): Statement {
  return sql('UPDATE node SET edge = ?', edge);
}

/** Positions in the edge's two outboxes. */
export interface Seen {
  ledger: number;
  directory: number;
}

/** 16 random bytes: what names one life of the outbox. */
export function newSession(rng: Rng): string {
  return encodeBase64url(rng.bytes(16));
}

export function pinNode(pinned: Pinned, session: string, now: number): Statement {
  return sql(
    `INSERT INTO node (one, did, edge, edge_did, network, asset, session, created_at)
     VALUES (1, ?, ?, ?, ?, ?, ?, ?)`,
    pinned.did,
    pinned.edge,
    pinned.edgeDid,
    pinned.network,
    pinned.asset,
    session,
    now,
  );
}

/** The one row of `node`; null before `init`. */
export async function readNode(database: Database): Promise<NodeRow | null> {
  const rows = await database.db.select().from(tables.node);
  return rows[0] ?? null;
}

export function saveSeen(seen: Seen): Statement {
  return sql(
    `UPDATE node SET seen_ledger = max(seen_ledger, ?), seen_directory = max(seen_directory, ?)`,
    seen.ledger,
    seen.directory,
  );
}

export function saveGasRate(gasPerMs: number): Statement {
  return sql('UPDATE node SET gas_per_ms = ?', gasPerMs);
}

/**
 * Puts a message into the outbox, in the batch of the fact that causes it. The database counts:
 * a batch that fails leaves no gap.
 */
export function outboxInsert(
  message: { type: string; ref: string; body: unknown },
  now: number,
): Statement[] {
  return [
    sql('UPDATE node SET outbox_n = outbox_n + 1'),
    sql(
      'INSERT INTO outbox (n, type, ref, body, at) SELECT outbox_n, ?, ?, ?, ? FROM node',
      message.type,
      message.ref,
      JSON.stringify(message.body),
      now,
    ),
  ];
}

/** Messages above `n`, in order, at most `limit`. */
export function readOutbox(database: Database, n: number, limit: number): Promise<OutboxRow[]> {
  const { outbox } = tables;
  return database.db
    .select()
    .from(outbox)
    .where(gt(outbox.n, n))
    .orderBy(asc(outbox.n))
    .limit(limit);
}

/** The edge has processed everything up to `n`: what follows from that, in one transaction. */
export function outboxAcknowledged(n: number, now: number): Statement[] {
  return [
    sql('UPDATE receipt SET delivered_at = ? WHERE delivered_at IS NULL AND result_n <= ?', now, n),
    sql(
      `UPDATE card SET state = 'live', code = '' WHERE state = 'sent' AND agent IN
       (SELECT ref FROM outbox WHERE type = 'card.publish' AND n <= ?)`,
      n,
    ),
    sql('DELETE FROM outbox WHERE n <= ?', n),
  ];
}

/**
 * Starts a new session. The edge has acknowledged numbers that this database never gave out: it
 * is an older copy, and its next messages would be taken for repetitions. `waiting`, the whole
 * outbox in order, is numbered again from 1.
 */
export function restartOutbox(session: string, waiting: readonly OutboxRow[]): Statement[] {
  const renumbered = waiting.flatMap(({ n: old, type, ref, body, at }, i) => [
    sql(
      'INSERT INTO outbox (n, type, ref, body, at) VALUES (?, ?, ?, ?, ?)',
      i + 1,
      type,
      ref,
      body,
      at,
    ),
    // Negative until all are done: old and new numbers overlap.
    sql('UPDATE receipt SET result_n = ? WHERE result_n = ? AND delivered_at IS NULL', -i - 1, old),
  ]);
  return [
    sql('DELETE FROM outbox'),
    ...renumbered,
    sql(`UPDATE receipt SET result_n = -result_n WHERE result_n < 0 AND delivered_at IS NULL`),
    sql('UPDATE node SET session = ?, outbox_n = ?', session, waiting.length),
  ];
}
