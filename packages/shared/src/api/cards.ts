/** Card routes: publish, get, list. */
import { z } from 'zod';
import { agentField, didField, envelopeField, hashField } from '../messages/fields.ts';

/** An A2A AgentCard as it was published; validated by cards/agent-card.ts. */
const cardDocument = z.record(z.string(), z.unknown());

export const publishCardRequestSchema = z.strictObject({
  record: envelopeField,
  card: cardDocument,
});
export type PublishCardRequest = z.infer<typeof publishCardRequestSchema>;

export const cardSummarySchema = z.object({
  did: didField,
  agent: agentField,
  name: z.string(),
  description: z.string(),
  tags: z.array(z.string()),
  skills: z.array(z.string()),
  regions: z.array(z.string()),
  seq: z.string(),
  card_sha256: hashField,
  issued_at: z.string(),
  expires_at: z.string(),
  rev: z.number().int(),
  online: z.boolean(),
});
export type CardSummary = z.infer<typeof cardSummarySchema>;

export const cardAnswerSchema = cardSummarySchema.extend({
  record: envelopeField,
  card: cardDocument,
});
export type CardAnswer = z.infer<typeof cardAnswerSchema>;

export const cardListAnswerSchema = z.object({
  cards: z.array(cardSummarySchema),
  /** Opaque; absent on the last page. */
  next: z.string().optional(),
});
export type CardListAnswer = z.infer<typeof cardListAnswerSchema>;
