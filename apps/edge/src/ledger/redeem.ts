import {
  type ChannelState,
  err,
  ok,
  payeeOf,
  payerOf,
  type RedeemAnswer,
  type Redemption,
  type VoucherTerms,
  voucherTerms,
} from '@zerostate/shared';
import type { IdempotencyClaim } from '../http/idempotency.ts';
import type { LedgerCode, LedgerResult } from './codes.ts';
import { payVoucher, raiseLanes, riseOf, type VoucherPayment } from './lanes.ts';
import { operate, type Plan } from './operate.ts';
import { openOrder, openVoucher, soleSigner } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import {
  type CountedReceipt,
  claimedDuration,
  countReceipts,
  foldReceipts,
  type ReceiptOrder,
} from './receipts.ts';
import { laneKey, readSnapshot } from './snapshot.ts';
import { storeAnswer } from './statements.ts';

/** A voucher whose signature was checked, with the receipts it is said to pay. */
type Claimed = { voucher: VoucherTerms; by: string; sig: string; receipts: ReceiptOrder[] };
type Row = { claimed: Claimed; payment: VoucherPayment; counted: number };
type Refused = { index: number; code: LedgerCode; detail?: string };
/** What a redemption did, in the shape of its HTTP answer. */
export type Redeemed = { redeemed: RedeemAnswer['redeemed']; refused: readonly Refused[] };

/**
 * Pays what each voucher adds to its lane, as far as the escrow goes. Anybody may hand them in: the
 * money goes to the payee. Rows that are refused are named with their codes and the others move; a
 * total that was paid already moves nothing and is no fault.
 */
export async function redeem(
  ports: LedgerPorts,
  redemptions: readonly Redemption[],
  idem: IdempotencyClaim | null,
  expected: { ch?: string } = {},
): Promise<LedgerResult<Redeemed>> {
  // Signatures first and all at once: nothing unsigned costs the database anything.
  const opened = await Promise.all(redemptions.map((each) => openRedemption(ports, each)));
  const refused: Refused[] = [];
  const claimed: { index: number; claimed: Claimed }[] = [];
  for (const [index, result] of opened.entries()) {
    if (!result.ok) refused.push(refusal(index, result));
    else if (expected.ch !== undefined && result.value.voucher.ch !== expected.ch) {
      refused.push(refusal(index, err('channel-wrong', 'ch')));
    } else claimed.push({ index, claimed: result.value });
  }
  return operate(ports, () => planRedeem(ports, claimed, refused, idem));
}

async function openRedemption(
  ports: LedgerPorts,
  { voucher, receipts = [] }: Redemption,
): Promise<LedgerResult<Claimed>> {
  const [order, ...orders] = await Promise.all([
    openVoucher(ports, voucher),
    ...receipts.map((receipt) =>
      openOrder(ports, 'task.receipt', receipt, { by: ({ executor }) => [executor], maxSigs: 1 }),
    ),
  ]);
  if (!order.ok) return order;
  const opened: ReceiptOrder[] = [];
  for (const receipt of orders) {
    if (!receipt.ok) return receipt;
    opened.push(receipt.value);
  }
  const by = soleSigner(order.value);
  const sig = order.value.envelope.sigs[0]?.sig ?? '';
  const terms = voucherTerms(order.value.id, order.value.body);
  return ok({ voucher: terms, by, sig, receipts: opened });
}

async function planRedeem(
  ports: LedgerPorts,
  wanted: readonly { index: number; claimed: Claimed }[],
  refusedBefore: readonly Refused[],
  idem: IdempotencyClaim | null,
): Promise<LedgerResult<Plan<Redeemed>>> {
  const ids = [...new Set(wanted.map(({ claimed }) => claimed.voucher.ch))];
  const snapshot = await readSnapshot(ports.database, { channels: ids });
  const states = new Map(snapshot.channels);
  const memoCums = new Map(snapshot.memoCums);
  const refused = [...refusedBefore];
  const rows: Row[] = [];
  const counted: CountedReceipt[] = [];
  for (const { index, claimed } of wanted) {
    const { voucher } = claimed;
    const memoCum = memoCums.get(laneKey(voucher)) ?? 0n;
    const paid = payOne(states.get(voucher.ch), claimed, { now: snapshot.now, memoCum });
    if (!paid.ok) {
      refused.push(refusal(index, paid));
      continue;
    }
    const { receipts, ...payment } = paid.value;
    states.set(voucher.ch, payment.next);
    const whole = payment.moved > 0n && isWhole(voucher, payment);
    if (whole) memoCums.set(laneKey(voucher), voucher.cum);
    counted.push(...receipts);
    rows.push({ claimed, payment, counted: receipts.length });
  }
  const answer = toAnswer(rows, refused);
  const moving = newest(rows.filter(({ payment }) => payment.moved > 0n));
  // Nothing moved: the same key may be used again when the reason is gone.
  const due = rows.some(({ claimed, payment }) => !isWhole(claimed.voucher, payment));
  const failed = moving.length === 0 && (due || refused.length > 0);
  const payees = new Set(moving.map(({ claimed }) => payeeIn(states, claimed.voucher)));
  const statements = [
    ...raiseLanes(moving.map(({ claimed, payment }) => riseOf(claimed, payment, memoCums))),
    ...(await countReceipts(ports, counted, 'redeem')),
    ...(idem === null || failed ? [] : [storeAnswer(idem, 200, JSON.stringify(answer))]),
  ];
  return ok({
    statements,
    answer() {
      ports.metrics.count('zs_settlements_total', { result: 'redeemed' }, moving.length);
      if (moving.length > 0) ports.metrics.observe('zs_settlement_batch_size', moving.length);
      return answer;
    },
    wake: { dids: [...payees], channels: [...states.keys()] },
  });
}

type Paid = VoucherPayment & { receipts: CountedReceipt[] };

function payOne(
  state: ChannelState | undefined,
  claimed: Claimed,
  at: { now: number; memoCum: bigint },
): LedgerResult<Paid> {
  if (state === undefined) return err('channel-unknown');
  const { voucher, by, receipts } = claimed;
  const { dir, lane } = voucher;
  if (by !== payerOf(state.terms, dir)) return err('party-wrong', payerOf(state.terms, dir));
  const payment = payVoucher(state, voucher, at.now);
  if (!payment.ok) return payment;
  // The memo that receipts lead to is the lane's only once the whole voucher is paid.
  const proves = payment.value.moved > 0n && isWhole(voucher, payment.value);
  if (!proves || receipts.length === 0) return ok({ ...payment.value, receipts: [] });
  const from = { memo: state.lanes[dir][lane]?.memo ?? '', cum: at.memoCum };
  const folded = foldReceipts({ ...from, payee: payeeOf(state.terms, dir) }, voucher, receipts);
  if (!folded.ok) return folded;
  const counted = receipts.map((receipt) => toCounted(receipt, voucher, by));
  return ok({ ...payment.value, receipts: counted });
}

function isWhole(voucher: VoucherTerms, payment: VoucherPayment): boolean {
  return payment.paid === voucher.cum;
}

function toCounted(order: ReceiptOrder, voucher: VoucherTerms, creator: string): CountedReceipt {
  const { id, body, envelope } = order;
  return {
    id,
    task: body.task,
    executor: body.executor,
    creator,
    ch: voucher.ch,
    dir: voucher.dir,
    lane: voucher.lane,
    price: BigInt(body.price),
    envelope: JSON.stringify(envelope),
    claimedMs: claimedDuration(body),
  };
}

/** Several vouchers of one lane in one request are one rise, to the last of them. */
function newest(rows: readonly Row[]): Row[] {
  const byLane = new Map<string, Row>();
  for (const row of rows) {
    const key = laneKey(row.claimed.voucher);
    const moved = row.payment.moved + (byLane.get(key)?.payment.moved ?? 0n);
    byLane.set(key, { ...row, payment: { ...row.payment, moved } });
  }
  return [...byLane.values()];
}

function payeeIn(states: ReadonlyMap<string, ChannelState>, voucher: VoucherTerms): string {
  const state = states.get(voucher.ch);
  if (state === undefined) throw new Error('a moved voucher has a channel');
  return payeeOf(state.terms, voucher.dir);
}

function toAnswer(rows: readonly Row[], refused: readonly Refused[]): Redeemed {
  return {
    redeemed: rows.map(({ claimed: { voucher }, payment, counted }) => ({
      ch: voucher.ch,
      dir: voucher.dir,
      lane: voucher.lane,
      // Below the voucher's total when the escrow did not cover all of it.
      cum: String(payment.paid),
      moved: String(payment.moved),
      counted,
    })),
    refused: refused.toSorted((x, y) => x.index - y.index),
  };
}

function refusal(index: number, failed: { code: LedgerCode; detail?: string }): Refused {
  const { code, detail } = failed;
  return detail === undefined ? { index, code } : { index, code, detail };
}
