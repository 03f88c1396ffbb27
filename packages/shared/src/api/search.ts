/** POST /v1/search: agents for what a caller needs, best first. */
import { z } from 'zod';
import { QUERY_CHARS_MAX, RESULTS_MAX, TAGS_MAX } from '../limits.ts';
import { agentField, amountField, didField, hashField } from '../messages/fields.ts';

const words = z.array(z.string().min(1).max(64)).max(TAGS_MAX);
const weight = z.number().min(0).max(1);

export const searchRequestSchema = z.strictObject({
  text: z.string().max(QUERY_CHARS_MAX),
  k: z.number().int().min(1).max(RESULTS_MAX).optional(),
  filters: z
    .strictObject({
      tags: words.optional(),
      skills: words.optional(),
      regions: words.optional(),
      /** Highest base price, micro-units. */
      price_max: amountField.optional(),
      reputation_min: z.number().min(0).max(1).optional(),
      online: z.boolean().optional(),
    })
    .optional(),
  /** How much reputation, price and presence may move a score; defaults in discovery.md. */
  weights: z
    .strictObject({
      reputation: weight.optional(),
      price: weight.optional(),
      presence: weight.optional(),
    })
    .optional(),
  explain: z.boolean().optional(),
  cursor: z.string().max(256).optional(),
});
export type SearchRequest = z.infer<typeof searchRequestSchema>;

export const searchResultSchema = z.object({
  did: didField,
  agent: agentField,
  name: z.string(),
  description: z.string(),
  card_sha256: hashField,
  skills: z.array(z.string()),
  score: z.number(),
  parts: z.object({
    lexical: z.number(),
    vector: z.number(),
    reputation: z.number(),
    price: z.number(),
    presence: z.number(),
  }),
  online: z.boolean(),
  price: z.object({ base: amountField, per_mgas: amountField, per_page: amountField }),
});
export type SearchResult = z.infer<typeof searchResultSchema>;

export const searchAnswerSchema = z.object({
  results: z.array(searchResultSchema),
  /** The index revision that answered. */
  rev: z.number().int(),
  embedder: z.string(),
  total: z.number().int(),
  next: z.string().optional(),
  /** Why each of the next cards was left out, when `explain` was asked for. */
  left_out: z.array(z.object({ did: didField, agent: agentField, reason: z.string() })).optional(),
});
export type SearchAnswer = z.infer<typeof searchAnswerSchema>;
