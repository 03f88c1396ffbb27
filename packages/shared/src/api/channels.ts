/** Channel, voucher and claim routes. */
import { z } from 'zod';
import { redemptionSchema } from '../messages/catalogue.ts';
import { amountField, didField, dirField, envelopeField, hashField } from '../messages/fields.ts';

/** `open` carries the opener's signature, or both: then the channel is opened and accepted at once. */
export const openChannelRequestSchema = z.strictObject({ open: envelopeField });
export const acceptChannelRequestSchema = z.strictObject({ open: envelopeField });
export const cancelChannelRequestSchema = z.strictObject({ cancel: envelopeField });
export const voucherRequestSchema = z.strictObject({ voucher: envelopeField });
export const redeemRequestSchema = z.strictObject({
  redemptions: z.array(redemptionSchema).min(1).max(256),
});
/** With one signature the other party is asked for its own; with both the channel closes. */
export const closeRequestSchema = z.strictObject({ close: envelopeField });
export const close1RequestSchema = z.strictObject({ close1: envelopeField });
export const topupRequestSchema = z.strictObject({ topup: envelopeField });
export const rollRequestSchema = z.strictObject({ roll: envelopeField });
export const claimRequestSchema = z.strictObject({ cond: envelopeField, receipt: envelopeField });

/** One arbiter's `dispute.verdict`. */
export const verdictRequestSchema = z.strictObject({ verdict: envelopeField });
/** The other receipt that the executor signed for the claimed task. */
export const equivocationRequestSchema = z.strictObject({ receipt: envelopeField });

export const channelStateField = z.enum(['opening', 'active', 'closing', 'closed']);

export const laneSchema = z.object({
  dir: dirField,
  lane: z.number().int(),
  /** Redeemed so far, ever. */
  cum: amountField,
  memo: z.string(),
  /** What the receipts behind `memo` add up to: below `cum` after a payment in part. */
  memo_cum: amountField.optional(),
});

export const claimAnswerSchema = z.object({
  id: hashField,
  ch: hashField,
  dir: dirField,
  lane: z.number().int(),
  base: amountField,
  cap: amountField,
  price: amountField,
  task: hashField,
  receipt: hashField,
  not_after: z.number().int(),
  at: z.number().int(),
  post_at: z.number().int(),
  state: z.enum(['pending', 'disputed', 'posted', 'voided']),
  verdict: z.string().nullable(),
});
export type ClaimAnswer = z.infer<typeof claimAnswerSchema>;

export const channelAnswerSchema = z.object({
  ch: hashField,
  a: didField,
  b: didField,
  fund_a: amountField,
  fund_b: amountField,
  escrow_a: amountField,
  escrow_b: amountField,
  state: channelStateField,
  open_by: z.number().int(),
  expires_at: z.number().int(),
  window_ms: z.number().int(),
  claim_ms: z.number().int(),
  close_at: z.number().int().nullable(),
  version: z.number().int(),
  lanes: z.array(laneSchema),
  claims: z.array(claimAnswerSchema),
  /** Vouchers held for the payee and not yet redeemed: newest per lane. */
  mailbox: z.array(z.object({ dir: dirField, lane: z.number().int(), cum: amountField })),
  /** The paych.open envelope with the signatures given so far. */
  open: envelopeField,
  /** A cooperative close that waits for the other signature. */
  close: envelopeField.nullable(),
});
export type ChannelAnswer = z.infer<typeof channelAnswerSchema>;

export const channelListAnswerSchema = z.object({
  channels: z.array(
    channelAnswerSchema.omit({ lanes: true, claims: true, mailbox: true, open: true, close: true }),
  ),
  next: z.string().optional(),
});
export type ChannelListAnswer = z.infer<typeof channelListAnswerSchema>;

/** The mailbox's word on a voucher: what it holds for the lane now. */
export const voucherAnswerSchema = z.object({
  ch: hashField,
  dir: dirField,
  lane: z.number().int(),
  held: amountField,
});
export type VoucherAnswer = z.infer<typeof voucherAnswerSchema>;

export const redeemAnswerSchema = z.object({
  redeemed: z.array(
    z.object({
      ch: hashField,
      dir: dirField,
      lane: z.number().int(),
      cum: amountField,
      /** Moved by this request; "0" when the lane already stood there. */
      moved: amountField,
      /** Receipts counted as evidence by this request. */
      counted: z.number().int(),
    }),
  ),
  /** Rows that were refused, each with its code; the others moved. */
  refused: z.array(
    z.object({ index: z.number().int(), code: z.string(), detail: z.string().optional() }),
  ),
});
export type RedeemAnswer = z.infer<typeof redeemAnswerSchema>;
