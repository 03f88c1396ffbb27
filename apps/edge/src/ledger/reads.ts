/** What anybody may read of the ledger. */
import {
  type AccountAnswer,
  type ClaimListAnswer,
  type ConservationAnswer,
  claimAnswerSchema,
  err,
  type LaneListAnswer,
  ok,
  type Seal,
  type Transfer,
} from '@zerostate/shared';
import { and, asc, eq, gt, sql } from 'drizzle-orm';
import type { Database } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import { big, text } from './snapshot.ts';
import { claimTable, laneTable, sealTable, transferTable } from './tables.ts';

export async function readAccount(database: Database, did: string): Promise<AccountAnswer> {
  const [row] = await database.read({
    sql: `SELECT
        (SELECT credits - debits FROM account WHERE id = 'avl:' || ?1) AS available,
        (SELECT SUM(credits - debits) FROM account WHERE owner = ?1 AND kind = 'escrow') AS escrow,
        (SELECT SUM(credits - debits) FROM account WHERE owner = ?1 AND kind = 'hold')
          AS withdrawing`,
    args: [did],
  });
  return {
    did,
    available: String(row?.available ?? 0n),
    escrow: String(row?.escrow ?? 0n),
    withdrawing: String(row?.withdrawing ?? 0n),
  };
}

/** The answer to GET /v1/channels/{ch} as JSON text, with the version it shows. */
export async function readChannel(
  database: Database,
  ch: string,
): Promise<LedgerResult<{ json: string; version: number }>> {
  const [row] = await database.read({
    sql: 'SELECT json, version FROM channel_answer WHERE ch = ?1',
    args: [ch],
  });
  if (row === undefined) return err('channel-unknown');
  return ok({ json: text(row.json), version: Number(row.version) });
}

/** A DID's channels by id, as JSON text; `cursor` is the last id of the page before. */
export async function readChannels(
  database: Database,
  did: string,
  page: { cursor: string; limit: number },
): Promise<string> {
  const rows = await database.read({
    sql: `SELECT ch, json FROM channel_summary
          WHERE ch IN (SELECT id FROM channel WHERE a = ?1 AND id > ?2
            UNION ALL SELECT id FROM channel WHERE b = ?1 AND id > ?2 ORDER BY id LIMIT ?3)
          ORDER BY ch`,
    args: [did, page.cursor, page.limit + 1],
  });
  const shown = rows.slice(0, page.limit);
  const next = rows.length > page.limit ? `,"next":${JSON.stringify(shown.at(-1)?.ch)}` : '';
  return `{"channels":[${shown.map(({ json }) => text(json)).join(',')}]${next}}`;
}

export async function readClaimAnswer(
  database: Database,
  id: string,
): Promise<LedgerResult<string>> {
  const [row] = await database.read({
    sql: 'SELECT json FROM claim_answer WHERE id = ?1',
    args: [id],
  });
  return row === undefined ? err('claim-unknown') : ok(text(row.json));
}

export async function readTransfers(
  database: Database,
  after: number,
  limit: number,
): Promise<{ transfers: Transfer[]; next?: number }> {
  const rows = await database.drizzle
    .select()
    .from(transferTable)
    .where(gt(transferTable.seq, after))
    .orderBy(asc(transferTable.seq))
    .limit(limit + 1);
  const transfers = rows.slice(0, limit).map((row) => ({ ...row, amount: String(row.amount) }));
  const last = transfers.at(-1);
  return rows.length > limit && last !== undefined ? { transfers, next: last.seq } : { transfers };
}

export async function readSeals(
  database: Database,
  after: number,
  limit: number,
): Promise<{ seals: Seal[]; next?: number }> {
  const rows = await database.drizzle
    .select()
    .from(sealTable)
    .where(gt(sealTable.toSeq, after))
    .orderBy(asc(sealTable.toSeq))
    .limit(limit + 1);
  const seals = rows
    .slice(0, limit)
    .map(({ fromSeq, toSeq, ...seal }) => ({ from_seq: fromSeq, to_seq: toSeq, ...seal }));
  const last = seals.at(-1);
  return rows.length > limit && last !== undefined ? { seals, next: last.to_seq } : { seals };
}

/** Position in the list of lanes: `<ch>.<dir>.<lane>`. */
const LANE_CURSOR = /^([A-Za-z0-9_-]{43})\.([ab])\.([0-9]{1,3})$/;

export async function readLanes(
  database: Database,
  cursor: string | undefined,
  limit: number,
): Promise<LaneListAnswer | null> {
  const at = cursor === undefined ? null : LANE_CURSOR.exec(cursor);
  if (cursor !== undefined && at === null) return null;
  const [, ch = '', dir = 'a', lane = '-1'] = at ?? [];
  const { ch: chColumn, dir: dirColumn, lane: laneColumn } = laneTable;
  const rows = await database.drizzle
    .select()
    .from(laneTable)
    .where(sql`(${chColumn}, ${dirColumn}, ${laneColumn}) > (${ch}, ${dir}, ${Number(lane)})`)
    .orderBy(asc(chColumn), asc(dirColumn), asc(laneColumn))
    .limit(limit + 1);
  const lanes = rows.slice(0, limit).map(({ cum, memoCum, signed, signedMemo, ...row }) => ({
    ...row,
    cum: String(cum),
    memo_cum: String(memoCum),
    signed: String(signed),
    signed_memo: signedMemo,
  }));
  const last = lanes.at(-1);
  if (rows.length <= limit || last === undefined) return { lanes };
  return { lanes, next: `${last.ch}.${last.dir}.${last.lane}` };
}

export type ClaimFilter = {
  after?: string | undefined;
  ch?: string | undefined;
  state?: 'disputed' | undefined;
};

export async function readClaims(
  database: Database,
  filter: ClaimFilter,
  limit: number,
): Promise<ClaimListAnswer> {
  const rows = await database.drizzle
    .select({
      id: claimTable.id,
      // Named in full: drizzle writes a column without its table, and each row would be the first.
      json: sql<string>`(SELECT k.json FROM claim_answer k WHERE k.id = claim.id)`,
      executor: sql<string>`(SELECT CASE ${claimTable.dir} WHEN 'a' THEN b ELSE a END
        FROM channel WHERE id = ${claimTable.ch})`,
      condSig: claimTable.condSig,
      receiptEnvelope: claimTable.receiptEnvelope,
    })
    .from(claimTable)
    .where(
      and(
        gt(claimTable.id, filter.after ?? ''),
        filter.ch === undefined ? undefined : eq(claimTable.ch, filter.ch),
        filter.state === undefined ? undefined : eq(claimTable.state, filter.state),
      ),
    )
    .orderBy(asc(claimTable.id))
    .limit(limit + 1);
  const claims = rows.slice(0, limit).map((row) => ({
    ...claimAnswerSchema.parse(JSON.parse(row.json)),
    executor: row.executor,
    cond_sig: row.condSig,
    receipt_envelope: JSON.parse(row.receiptEnvelope),
  }));
  const last = claims.at(-1);
  return rows.length > limit && last !== undefined ? { claims, next: last.id } : { claims };
}

/** Sums over all accounts. Anything but zero is the end of trust in this ledger. */
export async function readConservation(database: Database): Promise<ConservationAnswer> {
  const [row] = await database.read({
    sql: `SELECT COALESCE(SUM(credits), 0) AS credits, COALESCE(SUM(debits), 0) AS debits
          FROM account`,
    args: [],
  });
  const credits = big(row?.credits);
  const debits = big(row?.debits);
  return {
    credits: String(credits),
    debits: String(debits),
    difference: String(credits - debits),
  };
}
