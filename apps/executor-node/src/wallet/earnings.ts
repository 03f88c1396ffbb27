import { and, asc, eq, gt, isNotNull } from 'drizzle-orm';
import type { Database } from '../state/database.ts';
import * as tables from '../state/tables.ts';

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

export interface Earnings {
  /** The sum of all amounts, micro-units. */
  total: bigint;
  redeemed: bigint;
  held: bigint;
  earnings: Earning[];
}

/** Everything this node was ever paid; nothing counts that no voucher and no claim proves. */
export async function readEarnings(database: Database): Promise<Earnings> {
  const earnings = [...(await fromVouchers(database)), ...(await fromClaims(database))];
  earnings.sort((x, y) => x.at - y.at);
  const sum = (list: readonly Earning[]): bigint =>
    list.reduce((total, { amount }) => total + amount, 0n);
  const total = sum(earnings);
  const redeemed = sum(earnings.filter(({ redeemed_at }) => redeemed_at !== null));
  return { total, redeemed, held: total - redeemed, earnings };
}

async function fromVouchers(database: Database): Promise<Earning[]> {
  const { voucher, channel, receipt } = tables;
  const rows = await database.db
    .select({ voucher, payer: channel.payer })
    .from(voucher)
    .innerJoin(channel, eq(channel.ch, voucher.ch))
    .orderBy(asc(voucher.at));
  const paid = await database.db
    .select()
    .from(receipt)
    .where(isNotNull(receipt.paidCum))
    .orderBy(asc(receipt.due));
  const byVoucher = Map.groupBy(paid, ({ ch, lane, paidCum }) => `${ch}:${lane}:${paidCum}`);
  return rows.map(({ voucher: { ch, lane, cum, id, amount, at, redeemedAt }, payer }) => ({
    ch,
    lane,
    payer,
    amount,
    by: 'voucher',
    id,
    receipts: (byVoucher.get(`${ch}:${lane}:${cum}`) ?? []).map((row) => ({
      id: row.id,
      task: row.task,
      price: row.price,
    })),
    at,
    redeemed_at: redeemedAt,
  }));
}

async function fromClaims(database: Database): Promise<Earning[]> {
  const { claim, channel, receipt } = tables;
  const rows = await database.db
    .select({ claim, receipt, payer: channel.payer })
    .from(claim)
    .innerJoin(receipt, eq(receipt.task, claim.task))
    .innerJoin(channel, eq(channel.ch, receipt.ch))
    .where(and(eq(claim.state, 'posted'), gt(claim.amount, 0n)));
  return rows.map(({ claim: { id, amount, at }, receipt: paid, payer }) => ({
    ch: paid.ch,
    lane: paid.lane,
    payer,
    amount,
    by: 'claim',
    id,
    receipts: [{ id: paid.id, task: paid.task, price: paid.price }],
    at,
    // A posted claim is paid by the ledger itself.
    redeemed_at: at,
  }));
}
