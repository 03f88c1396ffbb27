import {
  type Budget,
  type BudgetLane,
  type Envelope,
  type OpenCond,
  openTerms,
  type PaychOpen,
  paychOpenSchema,
} from '@zerostate/shared';
import { and, asc, eq, exists, gt, inArray, isNotNull, isNull, lte, max, or } from 'drizzle-orm';
import { z } from 'zod';
import { type Database, type Statement, sql } from '../state/database.ts';
import * as tables from '../state/tables.ts';
import { isLiveChannel, isOpenCond } from '../state/unfinished.ts';
import type { Mirror, Redeemed } from './mirror.ts';

type ChannelRow = typeof tables.channel.$inferSelect;
type ClaimRow = typeof tables.claim.$inferSelect;
export type VoucherRow = typeof tables.voucher.$inferSelect;
export type ReceiptRow = typeof tables.receipt.$inferSelect;

/** A signed open as this node stored it. */
const storedOpen = z.object({ body: paychOpenSchema, sigs: z.array(z.object({ by: z.string() })) });

/** Every channel that is not closed, as it was when the node stopped. */
export async function loadMirrors(database: Database): Promise<Mirror[]> {
  const { channel, lane, cond } = tables;
  const rows = await database.db.select().from(channel).where(isLiveChannel);
  const mirrors: Mirror[] = [];
  for (const row of rows) {
    const lanes = await database.db.select().from(lane).where(eq(lane.ch, row.ch));
    const conds = await database.db
      .select()
      .from(cond)
      .leftJoin(tables.receipt, eq(tables.receipt.task, cond.task))
      .leftJoin(tables.claim, eq(tables.claim.task, cond.task))
      .where(and(eq(cond.ch, row.ch), isOpenCond));
    const open = new Map<number, OpenCond>();
    for (const one of conds) {
      const { id, task, base, cap, notAfter } = one.cond;
      const price = one.receipt?.price ?? null;
      open.set(one.cond.lane, { id, task, base, cap, notAfter, price, claimed: isLive(one.claim) });
    }
    mirrors.push(mirrorOf(row, lanes, open));
  }
  return mirrors;
}

/** Whether this node ever took part in a channel: a closed one is no longer in the book. */
export async function isChannelKept(database: Database, ch: string): Promise<boolean> {
  const { channel } = tables;
  const rows = await database.db.select({ ch: channel.ch }).from(channel).where(eq(channel.ch, ch));
  return rows.length > 0;
}

function isLive(claim: ClaimRow | null): boolean {
  return claim?.state === 'pending' || claim?.state === 'disputed';
}

function mirrorOf(
  row: ChannelRow,
  rows: readonly (typeof tables.lane.$inferSelect)[],
  conds: ReadonlyMap<number, OpenCond>,
): Mirror {
  const { body, sigs } = storedOpen.parse(JSON.parse(row.open));
  const { terms } = openTerms(row.ch, body, openerOf(body, sigs));
  const lanes: Record<number, BudgetLane> = {};
  const redeemed: Record<number, Redeemed> = {};
  for (const { lane, held, memo, redeemed: cum, redeemedMemo, redeemedMemoCum } of rows) {
    lanes[lane] = { cum: held, memo, cond: null };
    redeemed[lane] = { cum, memo: redeemedMemo, memoCum: redeemedMemoCum };
  }
  for (const [lane, cond] of conds) {
    const held = lanes[lane] ?? { cum: 0n, memo: '' };
    lanes[lane] = { cum: held.cum, memo: held.memo, cond };
  }
  const { dir, fund, state: phase, closeAt, payer } = row;
  const budget: Budget = { terms, dir, phase, closeAt, fund, lanes };
  const own = { fund: row.ownFund, paid: 0n };
  return { budget, payer, redeemed, isClosing: row.close !== null, own };
}

/** The side whose signature came first. */
export function openerOf(body: PaychOpen, sigs: readonly { by: string }[]): 'a' | 'b' {
  return sigs[0]?.by === body.b ? 'b' : 'a';
}

/** A voucher that raised its lane, and which receipts it pays. */
export function insertVoucher(
  held: { id: string; ch: string; lane: number; cum: bigint; memo: string },
  amount: bigint,
  envelope: Envelope<unknown>,
  now: number,
): Statement[] {
  const { id, ch, lane, cum, memo } = held;
  return [
    sql(
      `INSERT INTO voucher (ch, lane, cum, id, amount, memo, voucher, at, redeemed_at)
       SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8,
              CASE WHEN (SELECT redeemed FROM lane WHERE ch = ?1 AND lane = ?2) >= ?3 THEN ?8 END`,
      ch,
      lane,
      cum,
      id,
      amount,
      memo,
      JSON.stringify(envelope),
      now,
    ),
    // The payer has what it pays for.
    sql(
      `DELETE FROM output WHERE task IN
       (SELECT task FROM receipt
        WHERE ch = ? AND lane = ? AND due <= ? AND paid_cum IS NULL)`,
      ch,
      lane,
      cum,
    ),
    sql(
      `UPDATE receipt SET paid_cum = ?1 WHERE ch = ?2 AND lane = ?3 AND due <= ?1
       AND paid_cum IS NULL
       AND NOT EXISTS
         (SELECT 1 FROM claim WHERE claim.task = receipt.task AND claim.state = 'posted')`,
      cum,
      ch,
      lane,
    ),
  ];
}

/** The ledger has paid a lane up to `cum`. */
export function laneRedeemed(ch: string, lane: number, to: Redeemed, now: number): Statement[] {
  return [
    sql(
      `INSERT INTO lane (ch, lane, redeemed, redeemed_memo, redeemed_memo_cum)
       VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (ch, lane) DO UPDATE
       SET redeemed = excluded.redeemed, redeemed_memo = excluded.redeemed_memo,
           redeemed_memo_cum = excluded.redeemed_memo_cum
       WHERE excluded.redeemed > redeemed`,
      ch,
      lane,
      to.cum,
      to.memo,
      to.memoCum,
    ),
    sql(
      `UPDATE voucher SET redeemed_at = ? WHERE ch = ? AND lane = ? AND cum <= ?
       AND redeemed_at IS NULL`,
      now,
      ch,
      lane,
      to.cum,
    ),
  ];
}

/** The newest voucher of each lane that holds more than was redeemed. */
export async function unredeemedVouchers(database: Database, ch: string): Promise<VoucherRow[]> {
  const { voucher } = tables;
  const newest = database.db
    .select({ lane: voucher.lane, cum: max(voucher.cum).as('newest_cum') })
    .from(voucher)
    .where(and(eq(voucher.ch, ch), isNull(voucher.redeemedAt)))
    .groupBy(voucher.lane)
    .as('newest');
  const rows = await database.db
    .select({ voucher })
    .from(newest)
    // In this order: SQLite would begin with all vouchers of the channel.
    .crossJoin(voucher)
    .where(and(eq(voucher.ch, ch), eq(voucher.lane, newest.lane), eq(voucher.cum, newest.cum)))
    .orderBy(asc(newest.lane));
  return rows.map((row) => row.voucher);
}

/** Channels with a voucher that waits since `before`. */
export async function channelsUnredeemedSince(
  database: Database,
  before: number,
): Promise<string[]> {
  const { voucher, channel } = tables;
  const waiting = database.db
    .select({ at: voucher.at })
    .from(voucher)
    .where(and(eq(voucher.ch, channel.ch), isNull(voucher.redeemedAt), lte(voucher.at, before)));
  const rows = await database.db
    .select({ ch: channel.ch })
    .from(channel)
    .where(and(isLiveChannel, exists(waiting)));
  return rows.map(({ ch }) => ch);
}

/** Receipts of a lane that are paid by `cum` and not by `above`, in the order of the fold. */
export function receiptsBetween(
  database: Database,
  lane: { ch: string; lane: number },
  above: bigint,
  cum: bigint,
): Promise<ReceiptRow[]> {
  const { receipt } = tables;
  return database.db
    .select()
    .from(receipt)
    .where(
      and(
        eq(receipt.ch, lane.ch),
        eq(receipt.lane, lane.lane),
        gt(receipt.due, above),
        lte(receipt.due, cum),
      ),
    )
    .orderBy(asc(receipt.due));
}

/** A receipt that no voucher has paid, with the cond that does if it is claimed. */
export type Unpaid = {
  receipt: ReceiptRow;
  cond: typeof tables.cond.$inferSelect;
  claim: ClaimRow | null;
  /** The signed cond, as JSON. */
  signedCond: string;
};

/** Receipts without a voucher: delivered before `deliveredBy`, or near the end of their cond. */
export async function claimable(
  database: Database,
  due: { deliveredBy: number; notAfterBy: number; now: number; ch?: string },
): Promise<Unpaid[]> {
  const { receipt, cond, claim, task } = tables;
  const rows = await database.db
    .select({ receipt, cond, claim, signedCond: task.cond })
    .from(receipt)
    .innerJoin(cond, eq(cond.task, receipt.task))
    .innerJoin(task, eq(task.task, receipt.task))
    .leftJoin(claim, eq(claim.task, receipt.task))
    .where(
      and(
        isOpenCond,
        due.ch === undefined ? undefined : eq(receipt.ch, due.ch),
        or(
          and(isNotNull(receipt.deliveredAt), lte(receipt.deliveredAt, due.deliveredBy)),
          lte(cond.notAfter, due.notAfterBy),
        ),
        or(isNull(claim.task), and(eq(claim.state, 'due'), lte(claim.nextAt, due.now))),
      ),
    )
    .orderBy(asc(receipt.at))
    .limit(100);
  return rows;
}

/** Channels whose claims on the ledger should have moved by now. */
export async function channelsWithClaims(database: Database, now: number): Promise<string[]> {
  const { claim, receipt } = tables;
  const rows = await database.db
    .selectDistinct({ ch: receipt.ch })
    .from(claim)
    .innerJoin(receipt, eq(receipt.task, claim.task))
    .where(and(inArray(claim.state, ['pending', 'disputed']), lte(claim.nextAt, now)));
  return rows.map(({ ch }) => ch);
}

export function saveClaim(
  claim: Pick<ClaimRow, 'task' | 'id' | 'state' | 'amount' | 'nextAt' | 'code'>,
  now: number,
): Statement {
  return sql(
    `INSERT INTO claim (task, id, state, amount, tries, next_at, code, at)
     VALUES (?, ?, ?, ?, 1, ?, ?, ?)
     ON CONFLICT (task) DO UPDATE SET id = excluded.id, state = excluded.state,
       amount = max(amount, excluded.amount), tries = tries + 1, next_at = excluded.next_at,
       code = excluded.code`,
    claim.task,
    claim.id,
    claim.state,
    claim.amount,
    claim.nextAt,
    claim.code,
    now,
  );
}

/** A cooperative close pays every held total: its figures are at least their sum. */
export function closedInFull(ch: string, now: number): Statement {
  return sql('UPDATE voucher SET redeemed_at = ? WHERE ch = ? AND redeemed_at IS NULL', now, ch);
}

/** Outputs of a settled claim are not asked for again. */
export function dropOutput(task: string): Statement {
  return sql('DELETE FROM output WHERE task = ?', task);
}

/** Cooperative closes that were agreed to and not signed yet. */
export async function pendingCloses(database: Database): Promise<{ ch: string; close: string }[]> {
  const { channel } = tables;
  const rows = await database.db
    .select({ ch: channel.ch, close: channel.close })
    .from(channel)
    .where(and(isNotNull(channel.close), isLiveChannel));
  return rows.flatMap(({ ch, close }) => (close === null ? [] : [{ ch, close }]));
}

export function saveClose(ch: string, close: Envelope<unknown> | null): Statement {
  const json = close === null ? null : JSON.stringify(close);
  return sql('UPDATE channel SET close = ? WHERE ch = ?', json, ch);
}
