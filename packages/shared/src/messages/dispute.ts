/** Signed bodies of a dispute (money.md 3). */
import { z } from 'zod';
import { amountField, countField, hashField } from './fields.ts';

export const disputeVerdictSchema = z.strictObject({
  claim: hashField,
  verdict: z.enum(['posted', 'voided']),
  price: amountField,
  output: hashField,
  gas: countField,
});
export type DisputeVerdict = z.infer<typeof disputeVerdictSchema>;
