/**
 * The one catalogue of messages between edge and executor, for the link now and for libp2p later
 * (protocol.md, Messages). What matters in a message is itself a signed envelope.
 */
import { z } from 'zod';
import { INLINE_BYTES_MAX, REDEEM_RECEIPTS_MAX } from '../limits.ts';
import { amountField, bytesField, envelopeField, hashField } from './fields.ts';
import { taskRejectSchema } from './task.ts';

/** Characters that INLINE_BYTES_MAX takes in base64url. */
const INLINE_CHARS_MAX = Math.ceil((INLINE_BYTES_MAX * 4) / 3);
export const inlineField = bytesField.max(INLINE_CHARS_MAX);

/** One lane's newest voucher, and the receipts it pays since the last redeemed memo, in fold order. */
export const redemptionSchema = z.strictObject({
  voucher: envelopeField,
  receipts: z.array(envelopeField).max(REDEEM_RECEIPTS_MAX).optional(),
});
export type Redemption = z.infer<typeof redemptionSchema>;

/** From an executor to the edge. */
export const executorMessages = {
  'card.publish': z.strictObject({
    record: envelopeField,
    card: z.record(z.string(), z.unknown()),
  }),
  /** A hint, never a fact: how much work waits and runs here. */
  presence: z.strictObject({
    queue: z.number().int().min(0).max(1_000_000),
    running: z.number().int().min(0).max(10_000),
    capacity: z.number().int().min(0).max(10_000),
  }),
  'channel.accept': z.strictObject({ kind: z.enum(['open', 'close']), envelope: envelopeField }),
  'task.accept': z.strictObject({ accept: envelopeField }),
  'task.reject': taskRejectSchema,
  'task.progress': z.strictObject({ task: hashField, gas: amountField }),
  'task.result': z.strictObject({ receipt: envelopeField, output: inlineField.optional() }),
  'voucher.redeem': z.strictObject({ redemptions: z.array(redemptionSchema).min(1).max(256) }),
  'claim.file': z.strictObject({ cond: envelopeField, receipt: envelopeField }),
  'dispute.verdict': z.strictObject({ verdict: envelopeField }),
} as const;

/** From the edge to an executor. */
export const edgeMessages = {
  'channel.proposal': z.strictObject({ kind: z.enum(['open', 'close']), envelope: envelopeField }),
  'channel.changed': z.strictObject({
    ch: hashField,
    state: z.enum(['opening', 'active', 'closing', 'closed']),
  }),
  'task.offer': z.strictObject({
    manifest: envelopeField,
    cond: envelopeField,
    input: inlineField.optional(),
  }),
  'task.cancel': z.strictObject({ task: hashField }),
  'task.objection': z.strictObject({ objection: envelopeField }),
  'voucher.deliver': z.strictObject({ voucher: envelopeField }),
  'verdict.request': z.strictObject({ claim: hashField }),
} as const;

export type ExecutorMessageType = keyof typeof executorMessages;
export type EdgeMessageType = keyof typeof edgeMessages;
export type ExecutorMessage<T extends ExecutorMessageType> = z.infer<(typeof executorMessages)[T]>;
export type EdgeMessage<T extends EdgeMessageType> = z.infer<(typeof edgeMessages)[T]>;

export function isExecutorMessageType(type: string): type is ExecutorMessageType {
  return Object.hasOwn(executorMessages, type);
}
export function isEdgeMessageType(type: string): type is EdgeMessageType {
  return Object.hasOwn(edgeMessages, type);
}
