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
      cum: amountField,
      /** Id of the voucher or claim that raised the lane last. */
      via: z.string(),
      memo: z.string(),
      /** The payer's signature over that voucher; '' after a claim on a fresh lane. */
      sig: z.string(),
    }),
  ),
  next: z.string().optional(),
});
export type LaneListAnswer = z.infer<typeof laneListAnswerSchema>;

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
