/** Batch settlement: vouchers from the mailbox, many lanes in one statement. */
import { idOf, MAILBOX_REDEEM_MS, SWEEP_ROWS_MAX } from '@zerostate/shared';
import { isRefused } from '../database-fault.ts';
import type { LedgerPorts } from '../ledger/ports.ts';
import { big, text, toDir } from '../ledger/snapshot.ts';
import type { Row } from '../ports.ts';

export type Settled = {
  settled: number;
  /** Lanes whose voucher the schema refuses, such as one that a claim's cover stands against. */
  bad: { ch: string; dir: 'a' | 'b'; lane: number }[];
};

/** What is due: old vouchers, and every voucher of a closing channel. */
const DUE = `SELECT m.ch, m.dir, m.lane, m.cum, m.memo, m.sig, m.at
  FROM mailbox m JOIN channel c ON c.id = m.ch, clock
  WHERE (m.at <= now_ms - ?1 OR c.state = 'closing')
    AND c.state IN ('active', 'closing') AND (c.close_at IS NULL OR now_ms < c.close_at)
    AND NOT EXISTS (SELECT 1 FROM json_each(?3) x
      WHERE x.value->>0 = m.ch AND x.value->>1 = m.dir AND x.value->>2 = m.lane)
  ORDER BY m.at LIMIT ?2`;

/**
 * Redeems what is due, at most 500 lanes a batch, until nothing is left. A row that the schema
 * refuses is found by halving the batch, left in the mailbox and reported.
 */
export async function settleMailbox(ports: LedgerPorts): Promise<Settled> {
  const done: Settled = { settled: 0, bad: [] };
  for (;;) {
    const skip = JSON.stringify(done.bad.map(({ ch, dir, lane }) => [ch, dir, lane]));
    const rows = await ports.database.read({
      sql: DUE,
      args: [MAILBOX_REDEEM_MS, SWEEP_ROWS_MAX, skip],
    });
    if (rows.length === 0) return done;
    const settled = await settleRows(ports, rows);
    done.settled += settled.settled;
    done.bad.push(...settled.bad);
  }
}

async function settleRows(ports: LedgerPorts, rows: readonly Row[]): Promise<Settled> {
  try {
    await ports.database.batch(raise(ports.network, rows));
    ports.metrics.count('zs_settlements_total', { result: 'swept' }, rows.length);
    return { settled: rows.length, bad: [] };
  } catch (error) {
    if (!isRefused(error)) throw error;
  }
  const [row] = rows;
  if (rows.length === 1 && row !== undefined) {
    ports.metrics.count('zs_settlements_total', { result: 'refused' }, 1);
    return {
      settled: 0,
      bad: [{ ch: text(row.ch), dir: toDir(row.dir), lane: Number(row.lane) }],
    };
  }
  const middle = rows.length >> 1;
  const first = await settleRows(ports, rows.slice(0, middle));
  const second = await settleRows(ports, rows.slice(middle));
  return { settled: first.settled + second.settled, bad: [...first.bad, ...second.bad] };
}

/**
 * The lanes stand where their newest vouchers say, or higher already: somebody redeemed in between,
 * which is no fault. The guard therefore counts lanes that are still below.
 */
function raise(network: string, rows: readonly Row[]) {
  const values = JSON.stringify(
    rows.map((row) => {
      const { ch, dir, lane, memo, sig } = row;
      const cum = String(big(row.cum));
      const body = { ch: text(ch), dir: toDir(dir), lane: String(lane), cum, memo: text(memo) };
      return [body.ch, dir, Number(lane), cum, idOf(network, 'paych.voucher', body), memo, sig];
    }),
  );
  const given = `(SELECT value->>0 AS ch, value->>1 AS dir, value->>2 AS lane,
    CAST(value->>3 AS INTEGER) AS cum, value->>4 AS via, value->>5 AS memo, value->>6 AS sig
    FROM json_each(?1)) v`;
  return [
    {
      sql: `INSERT INTO lane(ch, dir, lane, cum, via)
            SELECT v.value->>0, v.value->>1, v.value->>2, 0, '' FROM json_each(?1) v
  WHERE NOT EXISTS (SELECT 1 FROM lane l
    WHERE l.ch = v.value->>0 AND l.dir = v.value->>1 AND l.lane = v.value->>2)`,
      args: [values],
    },
    {
      sql: `UPDATE lane SET cum = v.cum, via = v.via, memo = v.memo, sig = v.sig FROM ${given}
            WHERE lane.ch = v.ch AND lane.dir = v.dir AND lane.lane = v.lane AND v.cum > lane.cum`,
      args: [values],
    },
    {
      sql: `INSERT INTO guard SELECT 0 WHERE EXISTS (SELECT 1 FROM ${given} JOIN lane
              ON lane.ch = v.ch AND lane.dir = v.dir AND lane.lane = v.lane
              WHERE lane.cum < v.cum)`,
      args: [values],
    },
  ];
}
