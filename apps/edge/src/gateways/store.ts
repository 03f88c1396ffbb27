/** Forwards and gateways in the directory. Nothing about them is only in a worker's memory. */
import { type OutboxDatabase, type PeerRecord, UNKNOWN_PEER } from '@zerostate/shared';
import type { Database, Row, Statement } from '../ports.ts';
import {
  FORWARD_KEEP_MS,
  FORWARD_LATE_MS,
  FORWARDS_PER_GATEWAY_MAX,
  FORWARDS_PER_TARGET_MAX,
  GATEWAY_KEEP_MS,
  GATEWAYS_COMPARED_MAX,
} from './limits.ts';

/** A gateway that has a message of `target`. */
export type Forward = {
  target: string;
  db: OutboxDatabase;
  seq: number;
  slot: number;
  gateway: string;
  about: string;
  tries: number;
  at: number;
  outcome: 'answered' | 'late' | null;
};

export type Gateway = { did: string; record: PeerRecord; underWay: number };

/** Which of these executors are in the mesh and have no link. */
export async function unlinkedTargets(
  directory: Database,
  dids: readonly string[],
  now: number,
): Promise<string[]> {
  const rows = await directory.read({
    sql: `SELECT did FROM presence WHERE did IN (SELECT value FROM json_each(?1))
            AND mesh = 1 AND alive_until <= ?2`,
    args: [JSON.stringify(dids), now],
  });
  return rows.map((row) => String(row.did));
}

/** Linked nodes that carry for others, a few drawn from many, with what is known of each. */
export async function readGateways(directory: Database, now: number): Promise<Gateway[]> {
  const rows = await directory.read({
    sql: `SELECT p.did, g.tasks, g.served, g.service_ms, g.failure_rate, g.at, (
            SELECT COUNT(*) FROM mesh_forward f
            WHERE f.gateway = p.did AND f.at > ?2 AND f.outcome IS NULL) AS under_way
          FROM (SELECT did FROM presence WHERE mesh = 1 AND alive_until > ?1
                ORDER BY random() LIMIT ?3) p
          LEFT JOIN mesh_gateway g ON g.did = p.did`,
    args: [now, now - FORWARD_LATE_MS, GATEWAYS_COMPARED_MAX],
  });
  return rows.map((row) => ({
    did: String(row.did),
    record: row.tasks === null ? UNKNOWN_PEER : toRecord(row),
    underWay: Number(row.under_way),
  }));
}

/** Where the messages of one executor are. */
export async function readForwards(directory: Database, target: string): Promise<Forward[]> {
  const rows = await directory.read({
    sql: `SELECT * FROM mesh_forward WHERE target = ?1`,
    args: [target],
  });
  return rows.map(toForward);
}

/**
 * Gives one place of a message to a gateway: a free one, or one whose gateway stayed silent. With
 * the guard behind it the batch fails when the place is taken, or too much is under way.
 */
export function forwardUpsert(forward: Omit<Forward, 'tries' | 'outcome'>): Statement {
  const { target, db, seq, slot, gateway, about, at } = forward;
  return {
    sql: `INSERT INTO mesh_forward(target, db, seq, slot, gateway, about, tries, at)
          SELECT ?1, ?2, ?3, ?4, ?5, ?6, 1, ?7
          WHERE (SELECT COUNT(*) FROM mesh_forward
                 WHERE gateway = ?5 AND at > ?8 AND outcome IS NULL) < ?9
            AND (SELECT COUNT(*) FROM mesh_forward
                 WHERE target = ?1 AND at > ?8 AND outcome IS NULL) < ?10
          ON CONFLICT(target, db, seq, slot) DO UPDATE SET gateway = excluded.gateway,
            at = excluded.at, tries = tries + 1, outcome = NULL
          WHERE outcome = 'late'`,
    args: [
      target,
      db,
      seq,
      slot,
      gateway,
      about,
      at,
      at - FORWARD_LATE_MS,
      FORWARDS_PER_GATEWAY_MAX,
      FORWARDS_PER_TARGET_MAX,
    ],
  };
}

/** The forward that an answer ends, if there is one; ended once, late or not. */
export async function endForward(
  directory: Database,
  answer: { target: string; about: string; gateway: string },
): Promise<{ at: number } | null> {
  const { target, about, gateway } = answer;
  const [rows] = await directory.batch([
    {
      sql: `UPDATE mesh_forward SET outcome = 'answered'
            WHERE target = ?1 AND about = ?2 AND gateway = ?3 AND outcome IS NOT 'answered'
            RETURNING at`,
      args: [target, about, gateway],
    },
  ]);
  const [row] = rows ?? [];
  return row === undefined ? null : { at: Number(row.at) };
}

/** Whether this gateway has something for this executor that is not answered. */
export async function isAsked(
  directory: Database,
  gateway: string,
  target: string,
): Promise<boolean> {
  const rows = await directory.read({
    sql: `SELECT 1 FROM mesh_forward WHERE target = ?1 AND gateway = ?2 AND outcome IS NULL LIMIT 1`,
    args: [target, gateway],
  });
  return rows.length > 0;
}

/** What waits for an answer since before `before`, oldest first. */
export async function silentForwards(
  directory: Database,
  before: number,
  limit: number,
): Promise<Forward[]> {
  const rows = await directory.read({
    sql: `SELECT * FROM mesh_forward WHERE outcome IS NULL AND at <= ?1 ORDER BY at LIMIT ?2`,
    args: [before, limit],
  });
  return rows.map(toForward);
}

/** Only while it is still what was read: an answer may have come meanwhile. */
export function forwardEnd(forward: Forward, outcome: 'answered' | 'late'): Statement {
  const { target, db, seq, slot, at } = forward;
  return {
    sql: `UPDATE mesh_forward SET outcome = ?5
          WHERE target = ?1 AND db = ?2 AND seq = ?3 AND slot = ?4 AND at = ?6
            AND outcome IS NULL`,
    args: [target, db, seq, slot, outcome, at],
  };
}

/** How far each of these outboxes is acknowledged. */
export async function readAcked(
  database: Database,
  dids: readonly string[],
): Promise<Map<string, number>> {
  const rows = await database.read({
    sql: 'SELECT did, acked FROM outbox_head WHERE did IN (SELECT value FROM json_each(?1))',
    args: [JSON.stringify(dids)],
  });
  return new Map(rows.map((row) => [String(row.did), Number(row.acked)]));
}

export async function readRecord(directory: Database, gateway: string): Promise<PeerRecord> {
  const [row] = await directory.read({
    sql: 'SELECT tasks, served, service_ms, failure_rate, at FROM mesh_gateway WHERE did = ?1',
    args: [gateway],
  });
  return row === undefined ? UNKNOWN_PEER : toRecord(row);
}

export function recordUpsert(gateway: string, record: PeerRecord): Statement {
  const { tasks, served, serviceMs, failureRate, at } = record;
  return {
    sql: `INSERT INTO mesh_gateway(did, tasks, served, service_ms, failure_rate, at)
          VALUES(?1, ?2, ?3, ?4, ?5, ?6)
          ON CONFLICT(did) DO UPDATE SET tasks = excluded.tasks, served = excluded.served,
            service_ms = excluded.service_ms, failure_rate = excluded.failure_rate,
            at = excluded.at`,
    args: [gateway, tasks, served, serviceMs, failureRate, at],
  };
}

export function forgetForwards(now: number, rowsMax: number): Statement {
  return {
    sql: `DELETE FROM mesh_forward WHERE (target, db, seq, slot) IN (
            SELECT target, db, seq, slot FROM mesh_forward WHERE at < ?1 ORDER BY at LIMIT ?2)`,
    args: [now - FORWARD_KEEP_MS, rowsMax],
  };
}

export function forgetGateways(now: number, rowsMax: number): Statement {
  return {
    sql: `DELETE FROM mesh_gateway WHERE did IN (
            SELECT did FROM mesh_gateway WHERE at < ?1 ORDER BY at LIMIT ?2)`,
    args: [now - GATEWAY_KEEP_MS, rowsMax],
  };
}

function toForward(row: Row): Forward {
  const { outcome } = row;
  return {
    target: String(row.target),
    db: row.db === 'ledger' ? 'ledger' : 'directory',
    seq: Number(row.seq),
    slot: Number(row.slot),
    gateway: String(row.gateway),
    about: String(row.about),
    tries: Number(row.tries),
    at: Number(row.at),
    outcome: outcome === 'answered' || outcome === 'late' ? outcome : null,
  };
}

function toRecord(row: Row): PeerRecord {
  return {
    tasks: Number(row.tasks),
    served: Number(row.served),
    serviceMs: Number(row.service_ms),
    failureRate: Number(row.failure_rate),
    at: Number(row.at),
  };
}
