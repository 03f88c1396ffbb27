/** Batch settlement: vouchers from the mailbox, many lanes in one statement. */
import {
  type Dir,
  idOf,
  MAILBOX_REDEEM_MS,
  SWEEP_ROWS_MAX,
  type VoucherTerms,
  voucherTerms,
} from '@zerostate/shared';
import { isRefused } from '../database-fault.ts';
import { type LaneRise, payVoucher, raiseLanes, riseOf } from '../ledger/lanes.ts';
import type { LedgerPorts } from '../ledger/ports.ts';
import { big, readSnapshot, text, toDir } from '../ledger/snapshot.ts';
import type { Row } from '../ports.ts';

type Lane = { ch: string; dir: Dir; lane: number };
export type Settled = {
  /** Lanes that rose, to their voucher's total or to what the escrow covered of it. */
  settled: number;
  /** Lanes whose voucher the schema refuses: one such row stops no other. */
  bad: Lane[];
};
type Held = { voucher: VoucherTerms; sig: string };
/** `left`: lanes whose vouchers stay in the mailbox, because not all of them is paid. */
type Page = Settled & { left: Lane[] };

/** What is due and has money to pay it: old vouchers, and every voucher of a closing channel. */
const DUE = `SELECT m.ch, m.dir, m.lane, m.cum, m.memo, m.sig
  FROM mailbox m JOIN channel c ON c.id = m.ch, clock
  WHERE (m.at <= now_ms - ?1 OR c.state = 'closing')
    AND c.state IN ('active', 'closing') AND (c.close_at IS NULL OR now_ms < c.close_at)
    AND EXISTS (SELECT 1 FROM account e
      WHERE e.id = 'esc:' || m.ch || ':' || m.dir AND e.credits > e.debits)
    AND NOT EXISTS (SELECT 1 FROM json_each(?3) x
      WHERE x.value->>0 = m.ch AND x.value->>1 = m.dir AND x.value->>2 = m.lane)
  ORDER BY m.at, m.ch, m.dir, m.lane LIMIT ?2`;

/**
 * Redeems what is due as far as the escrows go, at most 500 lanes a batch, until nothing is left. A
 * row that the schema refuses is found by halving the batch, left in the mailbox and reported.
 */
export async function settleMailbox(ports: LedgerPorts): Promise<Settled> {
  const done: Settled = { settled: 0, bad: [] };
  const skip: [string, Dir, number][] = [];
  for (;;) {
    const rows = await ports.database.read({
      sql: DUE,
      args: [MAILBOX_REDEEM_MS, SWEEP_ROWS_MAX, JSON.stringify(skip)],
    });
    if (rows.length === 0) return done;
    const { settled, bad, left } = await settleRows(
      ports,
      rows.map((row) => toHeld(ports.network, row)),
    );
    done.settled += settled;
    done.bad.push(...bad);
    for (const { ch, dir, lane } of [...bad, ...left]) skip.push([ch, dir, lane]);
  }
}

function toHeld(network: string, row: Row): Held {
  const body = {
    ch: text(row.ch),
    dir: toDir(row.dir),
    lane: String(row.lane),
    cum: String(big(row.cum)),
    memo: text(row.memo),
  };
  return { voucher: voucherTerms(idOf(network, 'paych.voucher', body), body), sig: text(row.sig) };
}

/** A single row is tried twice: somebody may have redeemed between its read and its batch. */
async function settleRows(ports: LedgerPorts, rows: readonly Held[], last = false): Promise<Page> {
  const { rises, left } = await plan(ports, rows);
  if (rises.length === 0) return { settled: 0, bad: [], left };
  try {
    await ports.database.batch(raiseLanes(rises));
    ports.metrics.count('zs_settlements_total', { result: 'swept' }, rises.length);
    ports.metrics.observe('zs_settlement_batch_size', rises.length);
    return { settled: rises.length, bad: [], left };
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  const [row] = rows;
  if (rows.length === 1 && row !== undefined) {
    if (!last) return settleRows(ports, rows, true);
    ports.metrics.count('zs_settlements_total', { result: 'refused' }, 1);
    return { settled: 0, bad: [toLane(row)], left: [] };
  }
  const middle = rows.length >> 1;
  const first = await settleRows(ports, rows.slice(0, middle));
  const second = await settleRows(ports, rows.slice(middle));
  return {
    settled: first.settled + second.settled,
    bad: [...first.bad, ...second.bad],
    left: [...first.left, ...second.left],
  };
}

/** What each voucher gets of the escrow, oldest first. One that gets nothing stays as it is. */
async function plan(
  ports: LedgerPorts,
  rows: readonly Held[],
): Promise<{ rises: LaneRise[]; left: Lane[] }> {
  const channels = [...new Set(rows.map(({ voucher }) => voucher.ch))];
  const snapshot = await readSnapshot(ports.database, { channels });
  const states = new Map(snapshot.channels);
  const rises: LaneRise[] = [];
  const left: Lane[] = [];
  for (const row of rows) {
    const { voucher } = row;
    const state = states.get(voucher.ch);
    const payment = state === undefined ? null : payVoucher(state, voucher, snapshot.now);
    if (payment === null || !payment.ok || payment.value.paid < voucher.cum) {
      left.push(toLane(row));
    }
    if (payment === null || !payment.ok || payment.value.moved === 0n) continue;
    states.set(voucher.ch, payment.value.next);
    // The mailbox holds one voucher a lane, so what was read is what a part leaves as it is.
    rises.push(riseOf(row, payment.value, snapshot.memoCums));
  }
  return { rises, left };
}

function toLane({ voucher: { ch, dir, lane } }: Held): Lane {
  return { ch, dir, lane };
}
