import type { Runner } from '@zerostate/runtime';
import type { Result } from '@zerostate/shared';
import { claimAnswerSchema, didField, envelopeField } from '@zerostate/shared';
import { z } from 'zod';

/** A claim with what it takes to check it: a row of `GET /v1/ledger/claims`. */
export const filedClaimSchema = claimAnswerSchema.extend({
  executor: didField,
  /** The payer's signature over the paych.cond, whose fields are in this row. */
  cond_sig: z.string(),
  receipt_envelope: envelopeField,
});
export type FiledClaim = z.infer<typeof filedClaimSchema>;

export type ClaimPhase = 'pending' | 'disputed' | 'posted' | 'voided';

/** What anybody may read of the ledger about claims. */
export interface ClaimReads {
  /** A claim's channel and state. */
  claim(id: string): Promise<Result<{ ch: string; state: ClaimPhase }, string>>;
  /** Every disputed claim, of one channel or of all; at most `DISPUTED_MAX`. */
  disputed(ch?: string): Promise<Result<FiledClaim[], string>>;
}

/** Runs tasks again, outside of this process. */
export interface Reruns {
  readonly mode: 'netns' | 'imports-only';
  /** How many at the same time. */
  readonly capacity: number;
  readonly runner: Runner;
  close(): Promise<void>;
}
