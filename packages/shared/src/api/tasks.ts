/** Task, receipt and reputation routes. */
import { z } from 'zod';
import { inlineField } from '../messages/catalogue.ts';
import { didField, envelopeField, hashField } from '../messages/fields.ts';
import { taskRejectSchema } from '../messages/task.ts';

export const submitTaskRequestSchema = z.strictObject({
  manifest: envelopeField,
  cond: envelopeField,
  /** The input's bytes in base64url; larger inputs are put as a blob before. */
  input: inlineField.optional(),
});
export type SubmitTaskRequest = z.infer<typeof submitTaskRequestSchema>;

export const cancelTaskRequestSchema = z.strictObject({ cancel: envelopeField });
export const objectionRequestSchema = z.strictObject({ objection: envelopeField });

/**
 * offered → accepted → done, or offered → rejected, or accepted → failed (past its deadline). An
 * accepted task that its executor gives up is rejected too: `accept` is there, and it counts as
 * failed.
 * `paid` when the voucher that pays the receipt is in the mailbox or redeemed.
 */
export const taskStateField = z.enum(['offered', 'accepted', 'rejected', 'done', 'failed']);

export const taskAnswerSchema = z.object({
  task: hashField,
  state: taskStateField,
  manifest: envelopeField,
  cond: envelopeField,
  accept: envelopeField.nullable(),
  receipt: envelopeField.nullable(),
  objection: envelopeField.nullable(),
  reject: taskRejectSchema.nullable(),
  /** Inline output in base64url; absent when it travels as the blob that the receipt names. */
  output: inlineField.nullable(),
  submitted_at: z.number().int(),
  accepted_at: z.number().int().nullable(),
  done_at: z.number().int().nullable(),
});
export type TaskAnswer = z.infer<typeof taskAnswerSchema>;

export const receiptAnswerSchema = z.object({
  id: hashField,
  task: hashField,
  executor: didField,
  receipt: envelopeField,
  /** Counted as evidence by a redemption, by a posted claim, or not yet. */
  counted: z.enum(['redeem', 'claim', 'no']),
  state: z.enum(['unpaid', 'paid', 'claimed', 'objected']),
});
export type ReceiptAnswer = z.infer<typeof receiptAnswerSchema>;

export const reputationAnswerSchema = z.object({
  did: didField,
  profile: z.literal('performance-v1'),
  /** 0 to 1; .5 while fewer than five tasks are known. */
  score: z.number(),
  /** Tasks that are evidence. */
  n: z.number().int(),
  ok: z.number().int(),
  failed: z.number().int(),
  parts: z.object({
    success: z.number(),
    speed: z.number(),
    cost: z.number(),
    longevity: z.number(),
  }),
  suspended_until: z.number().int().nullable(),
  updated_at: z.number().int().nullable(),
});
export type ReputationAnswer = z.infer<typeof reputationAnswerSchema>;

export const blobAnswerSchema = z.object({ sha256: hashField, bytes: z.number().int() });
export type BlobAnswer = z.infer<typeof blobAnswerSchema>;
