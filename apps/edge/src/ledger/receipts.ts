/** Receipts that a voucher pays: checked against its memo, then counted as evidence once. */
import { err, foldMemo, ok, type TaskReceipt, type VoucherTerms } from '@zerostate/shared';
import type { Statement } from '../ports.ts';
import type { LedgerResult } from './codes.ts';
import type { Order } from './orders.ts';
import type { LedgerPorts } from './ports.ts';

export type ReceiptOrder = Order<'task.receipt'>;

/**
 * Whether these receipts lead from the lane's last memo, and the total that it stands for, to the
 * voucher's. Each must be of the payee and of this lane.
 */
export function foldReceipts(
  from: { memo: string; cum: bigint; payee: string },
  voucher: VoucherTerms,
  receipts: readonly ReceiptOrder[],
): LedgerResult<void> {
  let memo = from.memo;
  let sum = 0n;
  for (const { id, body } of receipts) {
    const here = body.ch === voucher.ch && Number(body.lane) === voucher.lane;
    if (!here || body.executor !== from.payee) return err('receipt-invalid', id);
    const price = BigInt(body.price);
    memo = foldMemo(memo, id, price);
    sum += price;
  }
  if (memo !== voucher.memo) return err('memo-mismatch', 'receipts');
  return sum === voucher.cum - from.cum ? ok(undefined) : err('price-mismatch', 'receipts');
}

/** A paid receipt on its way into the evidence. */
export type CountedReceipt = {
  id: string;
  task: string;
  executor: string;
  creator: string;
  ch: string;
  dir: 'a' | 'b';
  lane: number;
  price: bigint;
  envelope: string;
  /** What the receipt says about itself; the edge's own clock is asked first. */
  claimedMs: number;
};

/** How long the run took by the executor's word. */
export function claimedDuration(body: TaskReceipt): number {
  return Math.max(0, Number(body.ended_at) - Number(body.started_at));
}

/** One statement that counts all of them; a receipt or task that was counted before is left out. */
export async function countReceipts(
  ports: LedgerPorts,
  receipts: readonly CountedReceipt[],
  counted: 'redeem' | 'claim',
): Promise<Statement[]> {
  if (receipts.length === 0) return [];
  const durations = await ports.tasks.durations(receipts.map(({ task }) => task));
  const seen = new Set<string>();
  const rows = [];
  for (const receipt of receipts) {
    // Two receipts of one task in one request: the first counts.
    if (seen.has(receipt.task)) continue;
    seen.add(receipt.task);
    const durationMs = durations.get(receipt.task) ?? receipt.claimedMs;
    rows.push({ ...receipt, price: String(receipt.price), durationMs });
  }
  return [{ sql: COUNT, args: [JSON.stringify(rows), counted] }];
}

const COUNT = `INSERT INTO receipt(id, task, executor, creator, ch, dir, lane, price, duration_ms,
    counted, envelope, at)
  SELECT v.value->>'id', v.value->>'task', v.value->>'executor', v.value->>'creator',
    v.value->>'ch', v.value->>'dir', v.value->>'lane', CAST(v.value->>'price' AS INTEGER),
    CAST(v.value->>'durationMs' AS INTEGER), ?2, v.value->>'envelope', now_ms
  FROM json_each(?1) v, clock
  WHERE NOT EXISTS (SELECT 1 FROM receipt r
    WHERE r.id = v.value->>'id' OR r.task = v.value->>'task')`;
