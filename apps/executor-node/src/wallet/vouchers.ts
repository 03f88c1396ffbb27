import {
  acceptVoucher,
  type Budget,
  budgetLane,
  type EdgeMessage,
  openEnvelope,
  paychVoucherSchema,
  voucherTerms,
} from '@zerostate/shared';
import { currentMirror } from './channels.ts';
import { type Refusal, refusal, type WalletContext } from './context.ts';
import { unredeemed } from './mirror.ts';
import { insertVoucher } from './store.ts';

/**
 * Takes a voucher from the edge's mailbox: it is on disk when this resolves, and only then is it
 * acknowledged. `isExposed` says whether the exposure rule asks to redeem now.
 */
export async function takeVoucher(
  wallet: WalletContext,
  message: EdgeMessage<'voucher.deliver'>,
): Promise<{ refusal: Refusal | null; isExposed: boolean; ch: string }> {
  const { book, pinned, verifier, clock, database } = wallet;
  const ch = typeof message.voucher.body.ch === 'string' ? message.voucher.body.ch : '';
  const no = (why: { code: string; detail?: string }) => ({
    refusal: refusal(why),
    isExposed: false,
    ch,
  });
  const known = await currentMirror(wallet, ch);
  // A channel that this node co-signed is enough: the payer's signature is on the voucher, and an
  // edge that does not answer just now must not make it be turned away.
  const held = book.get(ch);
  if (held === null) return no(known.ok ? { code: 'channel-unknown' } : known);
  const opened = await openEnvelope(
    pinned.network,
    message.voucher,
    paychVoucherSchema,
    'paych.voucher',
    verifier,
    { by: [held.payer], maxSigs: 1 },
  );
  if (!opened.ok) return no(opened);

  // From here to the write nothing is awaited: the channel cannot change in between.
  const mirror = book.get(ch);
  if (mirror === null) return no({ code: 'channel-unknown' });
  const voucher = voucherTerms(opened.value.id, opened.value.body);
  const lane = budgetLane(mirror.budget, voucher.lane);
  if (voucher.cum === lane.cum && voucher.memo === lane.memo) {
    return { refusal: null, isExposed: false, ch };
  }
  const now = clock.now();
  const { phase } = mirror.budget;
  const budget: Budget = { ...mirror.budget, phase: phase === 'opening' ? 'active' : phase };
  const accepted = acceptVoucher(budget, voucher, now);
  if (!accepted.ok) return no(accepted);
  const statements = [
    ...insertVoucher(voucher, voucher.cum - lane.cum, opened.value.envelope, now),
    ...book.change(mirror, accepted.value),
  ];
  await database.write(statements);
  const after = book.get(ch) ?? mirror;
  const percent = wallet.exposure.percentMax;
  return {
    refusal: null,
    isExposed: unredeemed(after) * 100n > after.budget.fund * percent,
    ch,
  };
}
