import {
  advanceChannel,
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
import { type LaneRise, raiseLanes } from './lanes.ts';
import { operate, type Plan } from './operate.ts';
import { openOrder, soleSigner } from './orders.ts';
import type { LedgerPorts } from './ports.ts';
import {
  type CountedReceipt,
  claimedDuration,
  countReceipts,
  foldReceipts,
  type ReceiptOrder,
} from './receipts.ts';
import { readSnapshot } from './snapshot.ts';
import { storeAnswer } from './statements.ts';

/** A voucher whose signature was checked, with the receipts it is said to pay. */
type Claimed = { voucher: VoucherTerms; by: string; sig: string; receipts: ReceiptOrder[] };
type Row = { index: number; claimed: Claimed; moved: bigint; counted: number };
type Refused = { index: number; code: LedgerCode; detail?: string };
/** What a redemption did, in the shape of its HTTP answer. */
export type Redeemed = { redeemed: RedeemAnswer['redeemed']; refused: readonly Refused[] };

/**
 * Pays what each voucher adds to its lane. Anybody may hand them in: the money goes to the payee.
 * Rows that are refused are named with their codes and the others move; a total that was paid
 * already moves nothing and is no fault.
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
    openOrder(ports, 'paych.voucher', voucher, { maxSigs: 1 }),
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
  const refused = [...refusedBefore];
  const rows: Row[] = [];
  const counted: CountedReceipt[] = [];
  for (const { index, claimed } of wanted) {
    const state = states.get(claimed.voucher.ch);
    const paid = payOne(state, claimed, snapshot.now);
    if (!paid.ok) {
      refused.push(refusal(index, paid));
      continue;
    }
    const { next, receipts, moved } = paid.value;
    states.set(claimed.voucher.ch, next);
    counted.push(...receipts);
    rows.push({ index, claimed, moved, counted: receipts.length });
  }
  const answer = toAnswer(rows, refused);
  const moving = newest(rows.filter(({ moved }) => moved > 0n));
  // Nothing moved: the same key may be used again when the reason is gone.
  const failed = refused.length > 0 && moving.length === 0;
  const payees = new Set(moving.map(({ claimed }) => payeeIn(states, claimed.voucher)));
  const statements = [
    ...raiseLanes(moving.map(toRise)),
    ...(await countReceipts(ports, counted, 'redeem')),
    ...(idem === null || failed ? [] : [storeAnswer(idem, 200, JSON.stringify(answer))]),
  ];
  return ok({
    statements,
    answer() {
      ports.metrics.count('zs_settlements_total', { result: 'redeemed' }, moving.length);
      return answer;
    },
    wake: { dids: [...payees], channels: [...states.keys()] },
  });
}

type Paid = { next: ChannelState; receipts: CountedReceipt[]; moved: bigint };

function payOne(
  state: ChannelState | undefined,
  claimed: Claimed,
  now: number,
): LedgerResult<Paid> {
  if (state === undefined) return err('channel-unknown');
  const { voucher, by, receipts } = claimed;
  const { id: via, dir, lane, cum, memo } = voucher;
  if (by !== payerOf(state.terms, dir)) return err('party-wrong', payerOf(state.terms, dir));
  const before = state.lanes[dir][lane] ?? { cum: 0n, memo: '' };
  const step = advanceChannel(state, { type: 'redeem', dir, lane, cum, memo, via }, now);
  if (!step.ok && step.code === 'redeem-stale') {
    return ok({ next: state, receipts: [], moved: 0n });
  }
  if (!step.ok) return step;
  const payee = payeeOf(state.terms, dir);
  if (receipts.length > 0) {
    const folded = foldReceipts({ ...before, payee }, voucher, receipts);
    if (!folded.ok) return folded;
  }
  return ok({
    next: step.value.next,
    receipts: receipts.map((receipt) => toCounted(receipt, voucher, by)),
    moved: cum - before.cum,
  });
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
    const { ch, dir, lane } = row.claimed.voucher;
    const key = `${ch}:${dir}:${lane}`;
    const first = byLane.get(key);
    byLane.set(key, { ...row, moved: row.moved + (first?.moved ?? 0n) });
  }
  return [...byLane.values()];
}

function toRise({ claimed: { voucher, sig }, moved }: Row): LaneRise {
  return { voucher, sig, was: voucher.cum - moved };
}

function payeeIn(states: ReadonlyMap<string, ChannelState>, voucher: VoucherTerms): string {
  const state = states.get(voucher.ch);
  if (state === undefined) throw new Error('a moved voucher has a channel');
  return payeeOf(state.terms, voucher.dir);
}

function toAnswer(rows: readonly Row[], refused: readonly Refused[]): Redeemed {
  return {
    redeemed: rows.map(({ claimed: { voucher }, moved, counted }) => ({
      ch: voucher.ch,
      dir: voucher.dir,
      lane: voucher.lane,
      cum: String(voucher.cum),
      moved: String(moved),
      counted,
    })),
    refused: refused.toSorted((x, y) => x.index - y.index),
  };
}

function refusal(index: number, failed: { code: LedgerCode; detail?: string }): Refused {
  const { code, detail } = failed;
  return detail === undefined ? { index, code } : { index, code, detail };
}
