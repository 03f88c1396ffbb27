import type { VoucherTerms } from '@zerostate/shared';
import type { Statement } from '../ports.ts';
import { expectChanges } from './statements.ts';

/** One lane on its way from what it has paid to what a voucher says. */
export type LaneRise = { voucher: VoucherTerms; sig: string; was: bigint };

/** Three statements however many lanes there are. Each lane must stand where it was read. */
export function raiseLanes(rises: readonly LaneRise[]): Statement[] {
  if (rises.length === 0) return [];
  const values = JSON.stringify(
    rises.map(({ voucher: { ch, dir, lane, cum, id, memo }, sig, was }) => [
      ch,
      dir,
      lane,
      String(cum),
      id,
      memo,
      sig,
      String(was),
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
const RAISE_LANES = `UPDATE lane SET cum = v.cum, via = v.via, memo = v.memo, sig = v.sig
  FROM (SELECT value->>0 AS ch, value->>1 AS dir, value->>2 AS lane,
      CAST(value->>3 AS INTEGER) AS cum, value->>4 AS via, value->>5 AS memo, value->>6 AS sig,
      CAST(value->>7 AS INTEGER) AS was
    FROM json_each(?1)) v
  WHERE lane.ch = v.ch AND lane.dir = v.dir AND lane.lane = v.lane AND lane.cum = v.was`;
