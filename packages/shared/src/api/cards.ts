/** Card routes: publish, get, list. */
import { z } from 'zod';
import { agentField, amountField, didField, envelopeField, hashField } from '../messages/fields.ts';

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
  /** How often this agent signed two records of one seq: see the history. */
  equivocations: z.number().int().optional(),
  record: envelopeField,
  card: cardDocument,
});
export type CardAnswer = z.infer<typeof cardAnswerSchema>;

/** A record that was once the newest of its agent. */
const pastRecordSchema = z.object({
  agent: agentField,
  seq: z.string(),
  rev: z.number().int(),
  revoked: z.boolean(),
  published_at: z.number().int(),
  record: envelopeField,
});

/** Two records of one seq, both signed by the DID. */
export const cardEquivocationSchema = z.object({
  agent: agentField,
  seq: z.string(),
  /** When the second one came, ms. */
  at: z.number().int(),
  record: envelopeField,
  other: envelopeField,
});

export const cardHistoryAnswerSchema = z.object({
  /** Newest first; as far back as they are kept. */
  records: z.array(pastRecordSchema),
  /** All there are, newest first; they are kept for good. On the first page alone. */
  equivocations: z.array(cardEquivocationSchema),
  next: z.string().optional(),
});
export type CardHistoryAnswer = z.infer<typeof cardHistoryAnswerSchema>;

const valueCounts = z.array(z.object({ value: z.string(), count: z.number().int() }));

/** What the live cards can be filtered by, the commonest first. */
export const cardFacetsAnswerSchema = z.object({
  rev: z.number().int(),
  cards: z.number().int(),
  skills: valueCounts,
  tags: valueCounts,
  regions: valueCounts,
  /** By the price of a reference run, micro-units: from (inclusive), below (exclusive). */
  prices: z.array(
    z.object({ from: amountField, below: amountField.optional(), count: z.number().int() }),
  ),
  partial: z.boolean().optional(),
});
export type CardFacetsAnswer = z.infer<typeof cardFacetsAnswerSchema>;

export const cardListAnswerSchema = z.object({
  cards: z.array(cardSummarySchema),
  /** Opaque; absent on the last page. */
  next: z.string().optional(),
});
export type CardListAnswer = z.infer<typeof cardListAnswerSchema>;
