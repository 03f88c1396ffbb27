import {
  advanceChannel,
  type ChannelState,
  laneCum,
  ok,
  type VoucherTerms,
} from '@zerostate/shared';
import type { Statement } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import { laneKey } from './snapshot.ts';
import { expectChanges } from './statements.ts';

/** What a voucher does to its lane. Less than its total is paid when `paid` is below it. */
export type VoucherPayment = { next: ChannelState; paid: bigint; moved: bigint };

/**
 * Pays a voucher as far as the escrow goes. A total that was paid before moves nothing and is no
 * fault; nor is the rest of a voucher that was paid in part while nothing more has come in.
 */
export function payVoucher(
  state: ChannelState,
  voucher: VoucherTerms,
  now: number,
): LedgerResult<VoucherPayment> {
  const { id: via, dir, lane, cum, memo } = voucher;
  const before = laneCum(state, dir, lane);
  const event = { type: 'redeem', dir, lane, cum, memo, via, partial: true } as const;
  const step = advanceChannel(state, event, now);
  if (step.ok) {
    const paid = laneCum(step.value.next, dir, lane);
    return ok({ next: step.value.next, paid, moved: paid - before });
  }
  if (step.code === 'redeem-stale') return ok({ next: state, paid: cum, moved: 0n });
  if (step.code === 'escrow-insufficient' && state.lanes[dir][lane]?.via === via) {
    return ok({ next: state, paid: before, moved: 0n });
  }
  return step;
}

/** One lane on its way from what it has paid to what a voucher says. */
export type LaneRise = {
  voucher: VoucherTerms;
  sig: string;
  was: bigint;
  /** Where the lane gets to when the escrow does not cover the whole voucher. */
  part?: { cum: bigint; memo: string; memoCum: bigint };
};

/** The rise to what a voucher got paid. `memoCums` is by `laneKey`, as after the payment. */
export function riseOf(
  { voucher, sig }: { voucher: VoucherTerms; sig: string },
  { next, paid, moved }: VoucherPayment,
  memoCums: ReadonlyMap<string, bigint>,
): LaneRise {
  const rise = { voucher, sig, was: paid - moved };
  if (paid === voucher.cum) return rise;
  const memo = next.lanes[voucher.dir][voucher.lane]?.memo ?? '';
  return { ...rise, part: { cum: paid, memo, memoCum: memoCums.get(laneKey(voucher)) ?? 0n } };
}

/** Three statements however many lanes there are. Each lane must stand where it was read. */
export function raiseLanes(rises: readonly LaneRise[]): Statement[] {
  if (rises.length === 0) return [];
  const values = JSON.stringify(
    rises.map(({ voucher: { ch, dir, lane, cum, id, memo }, sig, was, part }) => [
      ch,
      dir,
      lane,
      String(part?.cum ?? cum),
      id,
      part?.memo ?? memo,
      sig,
      String(was),
      String(part?.memoCum ?? cum),
      String(cum),
      memo,
    ]),
  );
  return [
    { sql: OPEN_LANES, args: [values] },
    { sql: RAISE_LANES, args: [values] },
    expectChanges(rises.length),
  ];
}

const OPEN_LANES = `INSERT INTO lane(ch, dir, lane, cum, via)
  SELECT v.value->>0, v.value->>1, v.value->>2, 0, '' FROM json_each(?1) v
  WHERE NOT EXISTS (SELECT 1 FROM lane l
    WHERE l.ch = v.value->>0 AND l.dir = v.value->>1 AND l.lane = v.value->>2)`;
const RAISE_LANES = `UPDATE lane SET cum = v.cum, via = v.via, memo = v.memo, sig = v.sig,
    memo_cum = v.memo_cum, signed = v.signed, signed_memo = v.signed_memo
  FROM (SELECT value->>0 AS ch, value->>1 AS dir, value->>2 AS lane,
      CAST(value->>3 AS INTEGER) AS cum, value->>4 AS via, value->>5 AS memo, value->>6 AS sig,
      CAST(value->>7 AS INTEGER) AS was, CAST(value->>8 AS INTEGER) AS memo_cum,
      CAST(value->>9 AS INTEGER) AS signed, value->>10 AS signed_memo
    FROM json_each(?1)) v
  WHERE lane.ch = v.ch AND lane.dir = v.dir AND lane.lane = v.lane AND lane.cum = v.was`;
