/** Signed bodies of payment channels (money.md 3). */
import { z } from 'zod';
import {
  amountField,
  asciiField,
  didField,
  dirField,
  hashField,
  laneField,
  memoField,
  millisField,
  nonceField,
  positiveField,
  taskLaneField,
} from './fields.ts';

/** Both parties sign the same bytes; the body's id is the channel's. */
export const paychOpenSchema = z
  .strictObject({
    a: didField,
    b: didField,
    fund_a: amountField,
    fund_b: amountField,
    nonce: nonceField,
    open_by: millisField,
    expires_at: millisField,
    window_ms: millisField,
    claim_ms: millisField,
    asset: asciiField.max(64),
  })
  .refine((body) => body.a < body.b, { path: ['b'], message: 'a must sort before b' });
export type PaychOpen = z.infer<typeof paychOpenSchema>;

/** The opener takes back its half-open channel. */
export const paychCancelSchema = z.strictObject({ ch: hashField, nonce: nonceField });
export type PaychCancel = z.infer<typeof paychCancelSchema>;

/** `cum` is all that was ever paid on this lane; the payer of direction `dir` signs. */
export const paychVoucherSchema = z.strictObject({
  ch: hashField,
  dir: dirField,
  lane: laneField,
  cum: positiveField,
  /** Commits to every receipt this lane pays; '' for payments without receipts. */
  memo: memoField,
});
export type PaychVoucher = z.infer<typeof paychVoucherSchema>;

/** Worth base + min(price of the task's receipt, cap) once that receipt exists. */
export const paychCondSchema = z.strictObject({
  ch: hashField,
  dir: dirField,
  lane: taskLaneField,
  base: amountField,
  cap: positiveField,
  task: hashField,
  executor: didField,
  not_after: millisField,
});
export type PaychCond = z.infer<typeof paychCondSchema>;

export const paychTopupSchema = z.strictObject({
  ch: hashField,
  dir: dirField,
  amount: positiveField,
  nonce: nonceField,
});
export type PaychTopup = z.infer<typeof paychTopupSchema>;

/** Cooperative close: final totals over all lanes, signed by both. */
export const paychCloseSchema = z.strictObject({
  ch: hashField,
  cum_a: amountField,
  cum_b: amountField,
  not_after: millisField,
});
export type PaychClose = z.infer<typeof paychCloseSchema>;

/** Unilateral close: starts the window. */
export const paychClose1Schema = z.strictObject({ ch: hashField, nonce: nonceField });
export type PaychClose1 = z.infer<typeof paychClose1Schema>;

/** Moves the owner's redeemed money into its own budget of another channel. */
export const paychRollSchema = z.strictObject({
  ch: hashField,
  dir: dirField,
  amount: positiveField,
  to_ch: hashField,
  to_dir: dirField,
  nonce: nonceField,
});
export type PaychRoll = z.infer<typeof paychRollSchema>;
