/** Accounts, and what goes into them from outside and out again. */
import { z } from 'zod';
import {
  amountField,
  didField,
  envelopeField,
  hashField,
  positiveField,
} from '../messages/fields.ts';

export const faucetRequestSchema = z.strictObject({ amount: positiveField });
export const creditRequestSchema = z.strictObject({ credit: envelopeField });

export const withdrawRequestSchema = z.strictObject({ withdraw: envelopeField });
export const debitRequestSchema = z.strictObject({ debit: envelopeField });

export const accountAnswerSchema = z.object({
  did: didField,
  available: amountField,
  /** Held in this DID's own budgets of open channels. */
  escrow: amountField,
  /** Held for withdrawals that are not settled. */
  withdrawing: amountField,
});
export type AccountAnswer = z.infer<typeof accountAnswerSchema>;

export const withdrawalStateField = z.enum(['pending', 'done', 'failed']);

export const withdrawalAnswerSchema = z.object({
  /** Id of the rail.withdraw body. */
  withdrawal: hashField,
  /** Position in the ledger's list. */
  seq: z.number().int(),
  did: didField,
  rail: z.string(),
  amount: amountField,
  destination: z.string(),
  /** Held, paid out, or returned to its owner. */
  state: withdrawalStateField,
  /** The payment outside. */
  reference: z.string().nullable(),
  /** Why an operator refused. */
  reason: z.string().nullable(),
  operator: didField.nullable(),
  at: z.number().int(),
  settled_at: z.number().int().nullable(),
});
export type WithdrawalAnswer = z.infer<typeof withdrawalAnswerSchema>;

export const withdrawalListAnswerSchema = z.object({
  withdrawals: z.array(withdrawalAnswerSchema),
  /** The last seq of this page; absent when there is no more. */
  next: z.number().int().optional(),
});
export type WithdrawalListAnswer = z.infer<typeof withdrawalListAnswerSchema>;
