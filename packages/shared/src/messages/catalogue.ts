/**
 * The one catalogue of messages between edge and executor, for the link now and for libp2p later
 * (protocol.md, Messages). What matters in a message is itself a signed envelope.
 */
import { z } from 'zod';
import { INLINE_BYTES_MAX, REDEEM_RECEIPTS_MAX } from '../limits.ts';
import { amountField, bytesField, didField, envelopeField, hashField } from './fields.ts';
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

const channelAccept = z.strictObject({
  kind: z.enum(['open', 'close']),
  envelope: envelopeField,
});
const taskAccept = z.strictObject({ accept: envelopeField });
const taskResult = z.strictObject({ receipt: envelopeField, output: inlineField.optional() });
const channelProposal = channelAccept;
const taskOffer = z.strictObject({
  manifest: envelopeField,
  cond: envelopeField,
  input: inlineField.optional(),
});
const voucherDeliver = z.strictObject({ voucher: envelopeField });

/**
 * What a gateway node carries for an executor whose own link is down, and what it brings back.
 * Only facts that are signed inside travel so: a gateway can delay them, neither forge nor refuse.
 */
const meshForward = z.discriminatedUnion('type', [
  z.strictObject({ to: didField, type: z.literal('task.offer'), body: taskOffer }),
  z.strictObject({ to: didField, type: z.literal('voucher.deliver'), body: voucherDeliver }),
  z.strictObject({ to: didField, type: z.literal('channel.proposal'), body: channelProposal }),
]);
const meshAnswer = z.discriminatedUnion('type', [
  z.strictObject({ from: didField, type: z.literal('task.accept'), body: taskAccept }),
  z.strictObject({ from: didField, type: z.literal('task.result'), body: taskResult }),
  z.strictObject({ from: didField, type: z.literal('channel.accept'), body: channelAccept }),
]);

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
  'channel.accept': channelAccept,
  'task.accept': taskAccept,
  'task.reject': taskRejectSchema,
  'task.progress': z.strictObject({ task: hashField, gas: amountField }),
  'task.result': taskResult,
  'voucher.redeem': z.strictObject({ redemptions: z.array(redemptionSchema).min(1).max(256) }),
  'claim.file': z.strictObject({ cond: envelopeField, receipt: envelopeField }),
  'dispute.verdict': z.strictObject({ verdict: envelopeField }),
  /** From a gateway node: what `from` signed in answer to a `mesh.forward`. */
  'mesh.answer': meshAnswer,
} as const;

/** From the edge to an executor. */
export const edgeMessages = {
  'channel.proposal': channelProposal,
  'channel.changed': z.strictObject({
    ch: hashField,
    state: z.enum(['opening', 'active', 'closing', 'closed']),
  }),
  'task.offer': taskOffer,
  'task.cancel': z.strictObject({ task: hashField }),
  'task.objection': z.strictObject({ objection: envelopeField }),
  'voucher.deliver': voucherDeliver,
  'verdict.request': z.strictObject({ claim: hashField }),
  /** To a gateway node: ask `to` this over the mesh, and bring what it signs as `mesh.answer`. */
  'mesh.forward': meshForward,
} as const;

/** In link.hello: this node carries messages between the edge and others (`mesh.forward`). */
export const MESH_FEATURE = 'mesh';

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
