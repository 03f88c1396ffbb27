/**
 * What time does to the ledger. Every part is a guarded batch of at most 500 rows, decided by the
 * database's clock, and may be repeated or cut short anywhere.
 */
import { DISPUTE_MS_MAX, SWEEP_ROWS_MAX } from '@zerostate/shared';
import { postClaim } from '../ledger/claims.ts';
import { passDeadline } from '../ledger/disputes.ts';
import type { LedgerPorts } from '../ledger/ports.ts';
import { sealJournal } from '../ledger/seal.ts';
import { text } from '../ledger/snapshot.ts';
import { notify } from '../ledger/statements.ts';
import type { Statement } from '../ports.ts';
import { returnLease, takeLease } from './lease.ts';
import { forget } from './retention.ts';
import { settleMailbox } from './settle-mailbox.ts';

export type SweepPorts = {
  ledger: LedgerPorts;
  /** Counts accepted tasks past their deadline against their executors; how many there were. */
  failOverdue: (limit: number) => Promise<number>;
  /** This worker, for the lease. */
  holder: string;
};

export type Swept = {
  /** False while another worker sweeps: nothing was done. */
  ran: boolean;
  cancelled: number;
  expired: number;
  posted: number;
  finalized: number;
  settled: number;
  refused: number;
  failed: number;
  sealed: number;
  forgotten: number;
};

const NOTHING: Swept = {
  ran: false,
  cancelled: 0,
  expired: 0,
  posted: 0,
  finalized: 0,
  settled: 0,
  refused: 0,
  failed: 0,
  sealed: 0,
  forgotten: 0,
};

/** One sweep. The order lets money that is due arrive before what would shut it out. */
export async function sweep({ ledger, failOverdue, holder }: SweepPorts): Promise<Swept> {
  if (!(await takeLease(ledger.database, 'sweep', holder))) return NOTHING;
  const cancelled = await cancelLapsed(ledger);
  const expired = await closeExpired(ledger);
  const { settled, bad } = await settleMailbox(ledger);
  const posted = (await postDue(ledger)) + (await postUndecided(ledger));
  const finalized = await finalizeDue(ledger);
  const failed = await failOverdue(SWEEP_ROWS_MAX);
  const sealed = await sealAll(ledger);
  const forgotten = await forget(ledger);
  await measure(ledger);
  await returnLease(ledger.database, 'sweep', holder);
  const refused = bad.length;
  const rows = {
    cancelled,
    expired,
    posted,
    finalized,
    settled,
    refused,
    failed,
    sealed,
    forgotten,
  };
  for (const [part, count] of Object.entries(rows)) {
    if (count > 0) ledger.metrics.count('zs_sweep_rows_total', { part }, count);
  }
  return { ran: true, ...rows };
}

/** Offers whose time is over: the opener gets its fund back. */
function cancelLapsed(ledger: LedgerPorts): Promise<number> {
  return moveChannels(ledger, {
    due: `state = 'opening' AND open_by <= now_ms`,
    set: `state = 'closed', version = version + 1`,
    to: 'closed',
  });
}

/** Channels whose life is over: their window starts. */
function closeExpired(ledger: LedgerPorts): Promise<number> {
  return moveChannels(ledger, {
    due: `state = 'active' AND expires_at <= now_ms`,
    set: `state = 'closing', version = version + 1,
      close_at = (SELECT now_ms FROM clock) + window_ms`,
    to: 'closing',
  });
}

/** Windows that are over, with nothing left to decide: the rest returns to its payers. */
function finalizeDue(ledger: LedgerPorts): Promise<number> {
  return moveChannels(ledger, {
    due: `state = 'closing' AND close_at <= now_ms AND NOT EXISTS (
      SELECT 1 FROM claim k WHERE k.ch = channel.id AND k.state IN ('pending', 'disputed'))`,
    set: `state = 'closed', version = version + 1`,
    to: 'closed',
  });
}

type Move = { due: string; set: string; to: 'closing' | 'closed' };

async function moveChannels({ database, hub }: LedgerPorts, move: Move): Promise<number> {
  let moved = 0;
  for (;;) {
    const rows = await database.read({
      sql: `SELECT id, a, b FROM channel, clock WHERE ${move.due} LIMIT ?1`,
      args: [SWEEP_ROWS_MAX],
    });
    if (rows.length === 0) return moved;
    const ids = JSON.stringify(rows.map(({ id }) => id));
    const messages: Statement[] = rows.flatMap(({ id, a, b }) =>
      [a, b].flatMap((did) =>
        notify(text(did), 'channel.changed', { ch: text(id), state: move.to }),
      ),
    );
    // Whatever changed since the read does not fit `due` any more and stays as it is.
    await database.batch([
      {
        sql: `UPDATE channel SET ${move.set} WHERE id IN (
                SELECT id FROM channel, clock
                WHERE id IN (SELECT value FROM json_each(?1)) AND ${move.due})`,
        args: [ids],
      },
      ...messages,
    ]);
    for (const { id, a, b } of rows) {
      hub.wake(text(a));
      hub.wake(text(b));
      hub.wakeTopic(`channel:${text(id)}`);
    }
    moved += rows.length;
  }
}

/** Claims that nobody disputed in time. */
async function postDue(ledger: LedgerPorts): Promise<number> {
  const due = `SELECT id FROM claim, clock WHERE state = 'pending' AND post_at <= now_ms
    ORDER BY post_at LIMIT ?1`;
  return postEach(ledger, due, (id) => postClaim(ledger, id, null));
}

/** Disputes on which the arbiters kept silent. */
async function postUndecided(ledger: LedgerPorts): Promise<number> {
  const due = `SELECT id FROM claim, clock
    WHERE state = 'disputed' AND post_at + ${DISPUTE_MS_MAX} <= now_ms ORDER BY post_at LIMIT ?1`;
  return postEach(ledger, due, (id) => passDeadline(ledger, id));
}

/** All at once: batches that wait together share a commit. */
async function postEach(
  { database }: LedgerPorts,
  due: string,
  post: (id: string) => Promise<{ ok: boolean }>,
): Promise<number> {
  let posted = 0;
  for (;;) {
    const rows = await database.read({ sql: due, args: [SWEEP_ROWS_MAX] });
    const results = await Promise.all(rows.map(({ id }) => post(text(id))));
    const count = results.filter(({ ok }) => ok).length;
    posted += count;
    // A full page whose every row failed would come again.
    if (rows.length < SWEEP_ROWS_MAX || count === 0) return posted;
  }
}

async function sealAll(ledger: LedgerPorts): Promise<number> {
  let sealed = 0;
  for (;;) {
    const count = await sealJournal(ledger);
    if (count === 0) return sealed;
    sealed += count;
  }
}

/** What the operator's alarms read. */
async function measure({ database, metrics }: LedgerPorts): Promise<void> {
  const [row] = await database.read({
    sql: `SELECT (SELECT COALESCE(SUM(credits) - SUM(debits), 0) FROM account) AS imbalance,
        (SELECT COALESCE(SUM(credits - debits), 0) FROM account WHERE kind = 'escrow') AS escrow,
        (SELECT COUNT(*) FROM claim WHERE state IN ('pending', 'disputed')) AS claims,
        (SELECT COUNT(*) FROM channel, clock
          WHERE state = 'closing' AND close_at <= now_ms - 300000) AS overdue`,
    args: [],
  });
  metrics.gauge('zs_ledger_imbalance', Number(row?.imbalance));
  metrics.gauge('zs_escrow_micro', Number(row?.escrow));
  metrics.gauge('zs_claims_open', Number(row?.claims));
  metrics.gauge('zs_channel_close_overdue', Number(row?.overdue));
}
