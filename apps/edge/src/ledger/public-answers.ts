/** What the public lists of the ledger answer, beyond the shapes in the shared package. */
import {
  amountField,
  claimAnswerSchema,
  didField,
  envelopeField,
  hashField,
} from '@zerostate/shared';
import { z } from 'zod';

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
