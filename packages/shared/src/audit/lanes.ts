/**
 * Checks what lanes have paid against what their payers signed, and claims against what both
 * parties signed. Pure: whoever holds the public lists can run it.
 */
import type { ClaimListAnswer, LaneListAnswer } from '../api/ledger.ts';
import { idOf, openEnvelope, verifySignature } from '../envelope.ts';
import type { Did } from '../identity/did-key.ts';
import type { Verifier } from '../identity/signing.ts';
import type { Dir } from '../messages/fields.ts';
import { taskReceiptSchema } from '../messages/task.ts';

export type LaneRow = LaneListAnswer['lanes'][number];
export type ClaimRow = ClaimListAnswer['claims'][number];

export type LaneFinding = {
  code: /** A signature that does not hold. */
    | 'lane-signature'
    /** A total that neither a voucher nor a claim explains. */
    | 'lane-unsigned'
    /** The row has another total than the journal has paid. */
    | 'lane-differs'
    /** The journal has paid a lane that the list does not show. */
    | 'lane-missing';
  ch: string;
  dir: Dir;
  lane: number;
};

export type ClaimFinding = {
  code: /** Its id is not that of the condition it shows, or the payer did not sign that. */
    | 'claim-signature'
    /** The executor did not sign this receipt, or it is of another task or price. */
    | 'claim-receipt';
  claim: string;
  ch: string;
};

export type PayerOf = (ch: string, dir: Dir) => Did | undefined;

/** `claims` are read after `lanes`, so that every claim that raised a lane is among them. */
export async function auditLanes(
  of: {
    network: string;
    lanes: readonly LaneRow[];
    claims: readonly ClaimRow[];
    /** Who pays in this direction, from the channel's opening; undefined if it is unknown. */
    payer: PayerOf;
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

function isPostedOn({ ch, dir, lane, cum }: LaneRow, claim: ClaimRow | undefined): boolean {
  if (claim === undefined || claim.state !== 'posted') return false;
  const here = claim.ch === ch && claim.dir === dir && claim.lane === lane;
  return here && BigInt(claim.base) + BigInt(claim.price) === BigInt(cum);
}

/**
 * Compares rows with the journal. `before` is what each lane had paid when the rows were read, or
 * earlier; `has` knows every transfer up to after that.
 */
export function compareLanes(
  rows: readonly LaneRow[],
  journal: { before: ReadonlyMap<string, bigint>; has: (transfer: string) => boolean },
): LaneFinding[] {
  const findings: LaneFinding[] = [];
  const missing = new Map(journal.before);
  for (const { ch, dir, lane, cum } of rows) {
    const name = `${ch}:${dir}:${lane}`;
    const isBehind = BigInt(cum) < (missing.get(name) ?? 0n);
    missing.delete(name);
    const isPaid = cum === '0' || journal.has(`redeem:${name}:${cum}`);
    if (isBehind || !isPaid) findings.push({ code: 'lane-differs', ch, dir, lane });
  }
  for (const name of missing.keys()) {
    const [ch = '', dir, lane] = name.split(':');
    const of = { ch, dir: dir === 'b' ? 'b' : 'a', lane: Number(lane) } as const;
    findings.push({ code: 'lane-missing', ...of });
  }
  return findings;
}

/** Whether every claim is on a condition that its payer signed and a receipt of its executor. */
export async function auditClaims(
  of: { network: string; claims: readonly ClaimRow[]; payer: PayerOf },
  verifier: Verifier,
): Promise<ClaimFinding[]> {
  const findings: ClaimFinding[] = [];
  for (const claim of of.claims) {
    const { id, ch } = claim;
    const by = of.payer(ch, claim.dir);
    const cond = condOf(claim);
    const signature = { by: by ?? '', sig: claim.cond_sig };
    const isSigned =
      by !== undefined &&
      id === idOf(of.network, 'paych.cond', cond) &&
      (await verifySignature(of.network, 'paych.cond', cond, signature, verifier));
    if (!isSigned) findings.push({ code: 'claim-signature', claim: id, ch });
    if (!(await isReceiptOf(of.network, claim, verifier))) {
      findings.push({ code: 'claim-receipt', claim: id, ch });
    }
  }
  return findings;
}

function condOf(claim: ClaimRow) {
  return {
    ch: claim.ch,
    dir: claim.dir,
    lane: String(claim.lane),
    base: claim.base,
    cap: claim.cap,
    task: claim.task,
    executor: claim.executor,
    not_after: String(claim.not_after),
  };
}

async function isReceiptOf(
  network: string,
  { executor, task, receipt, price, receipt_envelope: envelope }: ClaimRow,
  verifier: Verifier,
): Promise<boolean> {
  const opened = await openEnvelope(
    network,
    envelope,
    taskReceiptSchema,
    'task.receipt',
    verifier,
    { by: [executor], maxSigs: 1 },
  );
  if (!opened.ok) return false;
  const { id, body } = opened.value;
  // A claim pays what its receipt asks for, or less where the escrow or a verdict says so.
  return id === receipt && body.task === task && BigInt(body.price) >= BigInt(price);
}
