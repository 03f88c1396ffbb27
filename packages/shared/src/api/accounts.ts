/** Accounts and the public ledger. */
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
