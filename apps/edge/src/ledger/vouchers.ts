import { type ChannelState, type Dir, err, ok, payeeOf, payerOf } from '@zerostate/shared';
import type { Statement } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import { lastJson, operate, type Plan } from './operate.ts';
import { type Order, openVoucher, signatureOf } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import { big, readSnapshot } from './snapshot.ts';
import { notify } from './statements.ts';

/**
 * Puts a voucher into its payee's mailbox, newest per lane. A total that the mailbox or the lane
 * has already is no news and changes nothing; the answer says what is held.
 */
export async function depositVoucher(
  ports: LedgerPorts,
  envelope: unknown,
  expected: { ch?: string } = {},
): Promise<LedgerResult<string>> {
  const order = await openVoucher(ports, envelope);
  if (!order.ok) return order;
  if (expected.ch !== undefined && expected.ch !== order.value.body.ch) return err('channel-wrong');
  return operate(ports, () => planDeposit(ports, order.value));
}

async function planDeposit(
  ports: LedgerPorts,
  order: Order<'paych.voucher'>,
): Promise<LedgerResult<Plan<string>>> {
  const { body } = order;
  const { ch, dir } = body;
  const lane = Number(body.lane);
  const cum = BigInt(body.cum);
  const { now, channels } = await readSnapshot(ports.database, { channels: [ch] });
  const state = channels.get(ch);
  if (state === undefined) return err('channel-unknown');
  const sig = signatureOf(order, payerOf(state.terms, dir));
  if (sig === null) return err('party-wrong', payerOf(state.terms, dir));
  const held = await readHeld(ports, state, dir);
  const answer = JSON.stringify({
    ch,
    dir,
    lane,
    held: String(max(cum, held.get(lane) ?? 0n)),
  });
  if (cum <= (held.get(lane) ?? 0n)) return ok({ statements: [], answer: () => answer });
  const fault = depositFault(state, { dir, cum, now });
  if (fault !== null) return fault;
  const payee = payeeOf(state.terms, dir);
  return ok({
    statements: [
      upsert({ ch, dir, lane, cum, memo: body.memo, sig }),
      ...notify(payee, 'voucher.deliver', { voucher: order.envelope }),
      { sql: 'SELECT ?1 AS json', args: [answer] },
    ],
    answer: lastJson,
    wake: { dids: [payee], channels: [ch] },
  });
}

/**
 * A total above the fund is refused: no payee accepts it. What other lanes hold is left out, because
 * a payer could fill one lane and keep the voucher out that its payee accepted before (ADR 0020).
 */
function depositFault(
  state: ChannelState,
  about: { dir: Dir; cum: bigint; now: number },
): LedgerResult<never> | null {
  if (state.phase === 'opening') return err('channel-opening');
  if (state.phase === 'closed') return err('channel-closed');
  if (state.closeAt !== null && about.now >= state.closeAt) return err('redeem-window-passed');
  return about.cum > state.fund[about.dir] ? err('voucher-over-fund', 'cum') : null;
}

/** The highest total known for each lane: redeemed or in the mailbox. */
async function readHeld(
  ports: LedgerPorts,
  state: ChannelState,
  dir: Dir,
): Promise<Map<number, bigint>> {
  const rows = await ports.database.read({
    sql: 'SELECT lane, cum FROM mailbox WHERE ch = ?1 AND dir = ?2',
    args: [state.terms.id, dir],
  });
  const held = new Map<number, bigint>();
  for (const [lane, { cum }] of Object.entries(state.lanes[dir])) held.set(Number(lane), cum);
  for (const row of rows) {
    const lane = Number(row.lane);
    held.set(lane, max(big(row.cum), held.get(lane) ?? 0n));
  }
  return held;
}

function upsert(row: {
  ch: string;
  dir: Dir;
  lane: number;
  cum: bigint;
  memo: string;
  sig: string;
}): Statement {
  // `at` stays that of the oldest voucher not yet redeemed: the sweep counts from there.
  return {
    sql: `INSERT INTO mailbox(ch, dir, lane, cum, memo, sig, at)
          SELECT ?1, ?2, ?3, ?4, ?5, ?6, now_ms FROM clock WHERE true
          ON CONFLICT DO UPDATE SET cum = excluded.cum, memo = excluded.memo, sig = excluded.sig`,
    args: [row.ch, row.dir, row.lane, row.cum, row.memo, row.sig],
  };
}

function max(x: bigint, y: bigint): bigint {
  return x > y ? x : y;
}
