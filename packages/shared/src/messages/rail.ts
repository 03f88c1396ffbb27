/** Signed bodies about money that crosses the border of a ledger (money.md 5). */
import { z } from 'zod';
import {
  asciiField,
  didField,
  hashField,
  millisField,
  nonceField,
  positiveField,
} from './fields.ts';

/** What the outside world calls a payment: one such name counts once. */
const referenceField = asciiField.min(1).max(128);

/** An operator of the network vouches for money that came in from outside. */
export const railCreditSchema = z.strictObject({
  account: didField,
  amount: positiveField,
  /** The outside reference; a credit counts once per reference. */
  ext_ref: referenceField,
  not_after: millisField,
});
export type RailCredit = z.infer<typeof railCreditSchema>;

/** The owner of an account takes money out over a rail; the body's id names the withdrawal. */
export const railWithdrawSchema = z.strictObject({
  account: didField,
  rail: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'not the name of a rail'),
  amount: positiveField,
  /** Where the money goes, in words that the rail understands: read by the operators alone. */
  destination: asciiField.min(1).max(256),
  nonce: nonceField,
  /** When the order lapses if the ledger has not taken it. */
  not_after: millisField,
});
export type RailWithdraw = z.infer<typeof railWithdrawSchema>;

/** An operator's word on what became of a withdrawal: paid outside, or refused. */
export const railDebitSchema = z
  .strictObject({
    withdrawal: hashField,
    account: didField,
    amount: positiveField,
    outcome: z.enum(['done', 'failed']),
    /** The payment outside; one payment ends one withdrawal. */
    ext_ref: referenceField.optional(),
    /** Why nothing was paid. */
    reason: asciiField.min(1).max(256).optional(),
  })
  .refine(({ outcome, ext_ref: ref }) => (outcome === 'done') === (ref !== undefined), {
    path: ['ext_ref'],
    message: 'names the payment of a withdrawal that is done, and of no other',
  })
  .refine(({ outcome, reason }) => outcome === 'failed' || reason === undefined, {
    path: ['reason'],
    message: 'is for a withdrawal that failed',
  });
export type RailDebit = z.infer<typeof railDebitSchema>;
