import { and, asc, desc, eq, gt, isNull, type SQL, sql } from 'drizzle-orm';
import type { Database } from '../state/database.ts';
import * as tables from '../state/tables.ts';

/** Earnings listed where nobody asks for more, and the most that one answer holds. */
const EARNINGS_DEFAULT = 1_000;
export const EARNINGS_MAX = 100_000;

/** One amount, with the voucher or claim it came by and the receipts it pays. */
export interface Earning {
  ch: string;
  lane: number;
  payer: string;
  /** What this voucher or claim added, micro-units. */
  amount: bigint;
  by: 'voucher' | 'claim';
  /** Id of the voucher or of the claim. */
  id: string;
  receipts: { id: string; task: string; price: bigint }[];
  at: number;
  /** On the account since; null while it is only held. */
  redeemed_at: number | null;
}

/** Micro-units that this node was ever paid: `held` is by vouchers that are not redeemed yet. */
export interface Totals {
  total: bigint;
  redeemed: bigint;
  held: bigint;
}

export interface Earnings extends Totals {
  /** The newest, oldest first. */
  earnings: Earning[];
  /** Whether there are older ones. */
  more: boolean;
}

export async function readTotals({ db }: Database): Promise<Totals> {
  const { lane, voucher } = tables;
  // A lane's total is the sum of what its vouchers and claims added.
  const lanes = await db.select({ sum: sumOf(lane.held) }).from(lane);
  const waiting = await db
    .select({ sum: sumOf(voucher.amount) })
    .from(voucher)
    .where(isNull(voucher.redeemedAt));
  const total = BigInt(lanes[0]?.sum ?? 0);
  const held = BigInt(waiting[0]?.sum ?? 0);
  return { total, redeemed: total - held, held };
}

/** A sum as text: more than a number holds. */
function sumOf(column: typeof tables.lane.held | typeof tables.voucher.amount): SQL<string> {
  return sql`CAST(COALESCE(SUM(${column}), 0) AS TEXT)`;
}

/**
 * The newest `limit` amounts that this node was paid; nothing counts that no voucher and no claim
 * proves. The totals are of all.
 */
export async function readEarnings(
  database: Database,
  limit = EARNINGS_DEFAULT,
): Promise<Earnings> {
  const totals = await readTotals(database);
  const known = [
    ...(await fromVouchers(database, limit + 1)),
    ...(await fromClaims(database, limit + 1)),
  ].sort((x, y) => x.at - y.at);
  return { ...totals, earnings: known.slice(-limit), more: known.length > limit };
}

async function fromVouchers({ db }: Database, limit: number): Promise<Earning[]> {
  const { voucher, channel, receipt } = tables;
  const newest = db.select().from(voucher).orderBy(desc(voucher.at)).limit(limit).as('newest');
  const rows = await db
    .select({
      ch: newest.ch,
      lane: newest.lane,
      cum: newest.cum,
      id: newest.id,
      amount: newest.amount,
      at: newest.at,
      redeemedAt: newest.redeemedAt,
      payer: channel.payer,
      receipt: { id: receipt.id, task: receipt.task, price: receipt.price },
    })
    .from(newest)
    .innerJoin(channel, eq(channel.ch, newest.ch))
    .leftJoin(
      receipt,
      and(
        eq(receipt.ch, newest.ch),
        eq(receipt.lane, newest.lane),
        eq(receipt.paidCum, newest.cum),
      ),
    )
    .orderBy(asc(newest.at), asc(receipt.due));
  const byVoucher = Map.groupBy(rows, ({ ch, lane, cum }) => `${ch}:${lane}:${cum}`);
  return [...byVoucher.values()].flatMap((paid) => {
    const [first] = paid;
    if (first === undefined) return [];
    const { ch, lane, payer, amount, id, at, redeemedAt } = first;
    const receipts = paid.flatMap((row) => (row.receipt === null ? [] : [row.receipt]));
    return [{ ch, lane, payer, amount, by: 'voucher', id, receipts, at, redeemed_at: redeemedAt }];
  });
}

async function fromClaims({ db }: Database, limit: number): Promise<Earning[]> {
  const { claim, channel, receipt } = tables;
  const rows = await db
    .select({
      ch: receipt.ch,
      lane: receipt.lane,
      payer: channel.payer,
      id: claim.id,
      amount: claim.amount,
      at: claim.at,
      receipt: { id: receipt.id, task: receipt.task, price: receipt.price },
    })
    .from(claim)
    .innerJoin(receipt, eq(receipt.task, claim.task))
    .innerJoin(channel, eq(channel.ch, receipt.ch))
    .where(and(eq(claim.state, 'posted'), gt(claim.amount, 0n)))
    .orderBy(desc(claim.at))
    .limit(limit);
  // A posted claim is paid by the ledger itself.
  return rows.map(({ receipt: paid, ...row }) => ({
    ...row,
    by: 'claim',
    receipts: [paid],
    redeemed_at: row.at,
  }));
}
