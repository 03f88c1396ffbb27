/** The public ledger: what anybody needs to check it (money.md 5, Seals). */
import { z } from 'zod';
import { amountField, didField, envelopeField, hashField } from '../messages/fields.ts';
import { claimAnswerSchema } from './channels.ts';

export const transferSchema = z.object({
  seq: z.number().int(),
  id: z.string(),
  debit: z.string(),
  credit: z.string(),
  amount: amountField,
  code: z.string(),
  ref: z.string().nullable(),
  ts: z.number().int(),
});
export type Transfer = z.infer<typeof transferSchema>;

export const transferListAnswerSchema = z.object({
  transfers: z.array(transferSchema),
  /** The last seq of this page; absent when there is no more. */
  next: z.number().int().optional(),
});
export type TransferListAnswer = z.infer<typeof transferListAnswerSchema>;

/** Sums over all accounts; `difference` is "0" or the ledger is wrong. */
export const conservationAnswerSchema = z.object({
  credits: z.string(),
  debits: z.string(),
  difference: z.string(),
});
export type ConservationAnswer = z.infer<typeof conservationAnswerSchema>;

export const sealSchema = z.object({
  from_seq: z.number().int(),
  to_seq: z.number().int(),
  head: z.string(),
  sig: z.string(),
  at: z.number().int(),
});
export type Seal = z.infer<typeof sealSchema>;
export const sealListAnswerSchema = z.object({
  seals: z.array(sealSchema),
  next: z.number().int().optional(),
});
export type SealListAnswer = z.infer<typeof sealListAnswerSchema>;

export const laneListAnswerSchema = z.object({
  lanes: z.array(
    z.object({
      ch: hashField,
      dir: z.enum(['a', 'b']),
      lane: z.number().int(),
      /** Paid so far, ever. */
      cum: amountField,
      /** Id of the voucher or claim that raised the lane last. */
      via: z.string(),
      /** Commits to the receipts of what was paid up to `memo_cum`, or the id of a posted claim. */
      memo: z.string(),
      memo_cum: amountField,
      /**
       * The payer's signature over the newest voucher that raised the lane; its body is ch, dir,
       * lane, `signed` as cum and `signed_memo` as memo. '' while only claims raised the lane.
       */
      sig: z.string(),
      /** Above `cum` while the escrow does not cover the whole voucher. */
      signed: amountField,
      signed_memo: z.string(),
    }),
  ),
  next: z.string().optional(),
});
export type LaneListAnswer = z.infer<typeof laneListAnswerSchema>;

/** `price` is what the ledger pays; what the executor signed is in the receipt. */
export const claimListAnswerSchema = z.object({
  claims: z.array(
    claimAnswerSchema.extend({
      executor: didField,
      /** The payer's signature over the paych.cond, whose fields are in this row. */
      cond_sig: z.string(),
      receipt_envelope: envelopeField,
    }),
  ),
  next: z.string().optional(),
});
export type ClaimListAnswer = z.infer<typeof claimListAnswerSchema>;
