/** Verified wire bodies as the numbers that the lifecycle and the wallets count with. */
import { COND_AFTER_MANIFEST_MS } from '../limits.ts';
import type { PaychCond, PaychOpen, PaychVoucher } from '../messages/channel.ts';
import type { Dir } from '../messages/fields.ts';
import type { TaskManifest, TaskReceipt } from '../messages/task.ts';
import { err, ok, type Result } from '../result.ts';
import type { PriceTerms } from '../tasks/price.ts';
import type { ClaimFiling } from './events.ts';
import { type ChannelTerms, type PerDir, payeeOf } from './state.ts';

/** `id` is the body's id, `openedBy` the party whose signature came first. */
export function openTerms(
  id: string,
  body: PaychOpen,
  openedBy: Dir,
): { terms: ChannelTerms; fund: PerDir<bigint> } {
  const terms: ChannelTerms = {
    id,
    a: body.a,
    b: body.b,
    openedBy,
    openBy: Number(body.open_by),
    expiresAt: Number(body.expires_at),
    windowMs: Number(body.window_ms),
    claimMs: Number(body.claim_ms),
  };
  return { terms, fund: { a: BigInt(body.fund_a), b: BigInt(body.fund_b) } };
}

/** A plain voucher: all that was ever paid on its lane. */
export type VoucherTerms = {
  id: string;
  ch: string;
  dir: Dir;
  lane: number;
  cum: bigint;
  memo: string;
};

export function voucherTerms(id: string, body: PaychVoucher): VoucherTerms {
  const { ch, dir, memo } = body;
  return { id, ch, dir, lane: Number(body.lane), cum: BigInt(body.cum), memo };
}

/** A conditional voucher: base + min(price, cap) once the receipt of its task exists. */
export type CondTerms = {
  id: string;
  ch: string;
  dir: Dir;
  lane: number;
  base: bigint;
  cap: bigint;
  task: string;
  executor: string;
  notAfter: number;
};

export function condTerms(id: string, body: PaychCond): CondTerms {
  return {
    id,
    ch: body.ch,
    dir: body.dir,
    lane: Number(body.lane),
    base: BigInt(body.base),
    cap: BigInt(body.cap),
    task: body.task,
    executor: body.executor,
    notAfter: Number(body.not_after),
  };
}

/** What a manifest asks and offers, as numbers. */
export type TaskTerms = {
  id: string;
  executor: string;
  price: PriceTerms;
  meter: string;
  gasMax: bigint;
  pagesMax: bigint;
  wallMsMax: number;
  inputLen: bigint;
  outputMax: bigint;
  notAfter: number;
};

export function taskTerms(id: string, body: TaskManifest): TaskTerms {
  return {
    id,
    executor: body.executor,
    price: {
      base: BigInt(body.price_base),
      perMgas: BigInt(body.price_per_mgas),
      perPage: BigInt(body.price_per_page),
      max: BigInt(body.price_max),
    },
    meter: body.meter,
    gasMax: BigInt(body.gas_max),
    pagesMax: BigInt(body.pages_max),
    wallMsMax: Number(body.wall_ms_max),
    inputLen: BigInt(body.input_len),
    outputMax: BigInt(body.output_max),
    notAfter: Number(body.not_after),
  };
}

/** The not_after of a cond that pays this task: late results can still be claimed. */
export function condNotAfter(task: TaskTerms): number {
  return task.notAfter + COND_AFTER_MANIFEST_MS;
}

/** Why a cond and a receipt are no claim on this channel. */
export type FilingCode = 'channel-wrong' | 'executor-wrong' | 'task-wrong' | 'lane-wrong';

/**
 * The claim that a cond and its receipt make: the receipt names channel and lane, so that one
 * receipt cannot be shown to two payers. The price is capped.
 */
export function claimFiling(
  terms: ChannelTerms,
  cond: CondTerms,
  receiptId: string,
  receipt: TaskReceipt,
): Result<ClaimFiling, FilingCode> {
  if (cond.ch !== terms.id || receipt.ch !== terms.id) return err('channel-wrong');
  const payee = payeeOf(terms, cond.dir);
  if (cond.executor !== payee || receipt.executor !== payee) return err('executor-wrong');
  if (receipt.task !== cond.task) return err('task-wrong');
  if (Number(receipt.lane) !== cond.lane) return err('lane-wrong');
  const asked = BigInt(receipt.price);
  const { id, dir, lane, base, cap, task, notAfter } = cond;
  const price = asked < cap ? asked : cap;
  return ok({ id, dir, lane, base, cap, price, task, receipt: receiptId, notAfter });
}
