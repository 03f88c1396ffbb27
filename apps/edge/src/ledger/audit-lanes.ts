/**
 * Checks what lanes have paid against what their payers signed. Pure: whoever holds the public lists
 * can run it.
 */
import { type Did, type Dir, idOf, type Verifier, verifySignature } from '@zerostate/shared';
import type { ClaimListAnswer, LaneListAnswer } from './public-answers.ts';

type Lane = LaneListAnswer['lanes'][number];

export type LaneFinding = {
  /** A signature that does not hold, or a total that neither a voucher nor a claim explains. */
  code: 'lane-signature' | 'lane-unsigned';
  ch: string;
  dir: Dir;
  lane: number;
};

/** `claims` are read after `lanes`, so that every claim that raised a lane is among them. */
export async function auditLanes(
  of: {
    network: string;
    lanes: readonly Lane[];
    claims: ClaimListAnswer['claims'];
    /** Who pays in this direction, from the channel's opening; undefined if it is unknown. */
    payer: (ch: string, dir: Dir) => Did | undefined;
  },
  verifier: Verifier,
): Promise<LaneFinding[]> {
  const claims = new Map(of.claims.map((claim) => [claim.id, claim]));
  const findings: LaneFinding[] = [];
  for (const row of of.lanes) {
    const { ch, dir, lane, cum, via, sig, signed } = row;
    const voucher = { ch, dir, lane: String(lane), cum: signed, memo: row.signed_memo };
    const by = of.payer(ch, dir);
    const holds =
      by !== undefined &&
      (await verifySignature(of.network, 'paych.voucher', voucher, { by, sig }, verifier));
    if (sig !== '' && !holds) findings.push({ code: 'lane-signature', ch, dir, lane });
    const byVoucher =
      holds && BigInt(cum) <= BigInt(signed) && via === idOf(of.network, 'paych.voucher', voucher);
    if (byVoucher || isPostedOn(row, claims.get(via))) continue;
    findings.push({ code: 'lane-unsigned', ch, dir, lane });
  }
  return findings;
}

function isPostedOn(
  { ch, dir, lane, cum }: Lane,
  claim: ClaimListAnswer['claims'][number] | undefined,
): boolean {
  if (claim === undefined || claim.state !== 'posted') return false;
  const here = claim.ch === ch && claim.dir === dir && claim.lane === lane;
  return here && BigInt(claim.base) + BigInt(claim.price) === BigInt(cum);
}
