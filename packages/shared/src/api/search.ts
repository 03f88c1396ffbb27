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
      /** Highest price of a reference run (10 Mgas, 16 pages), micro-units. */
      price_max: amountField.optional(),
      reputation_min: z.number().min(0).max(1).optional(),
      online: z.boolean().optional(),
    })
    .optional(),
  /** What the parts of a score count, each 0 to 1. */
  weights: z
    .strictObject({
      /** The vectors' share of the match; the words have the rest. */
      vector: weight.optional(),
      /** Meaning's share of the vectors, where meaning is known. */
      semantic: weight.optional(),
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
    /** Only in an answer that was ranked by meaning as well. */
    semantic: z.number().optional(),
    reputation: z.number(),
    price: z.number(),
    presence: z.number(),
  }),
  online: z.boolean(),
  /**
   * What its executor last said of its work: waiting, running, and how much it runs at a time. Old
   * by seconds, and only there while it is linked.
   */
  load: z
    .object({
      queue: z.number().int(),
      running: z.number().int(),
      capacity: z.number().int(),
    })
    .optional(),
  price: z.object({ base: amountField, per_mgas: amountField, per_page: amountField }),
});
export type SearchResult = z.infer<typeof searchResultSchema>;

export const searchAnswerSchema = z.object({
  results: z.array(searchResultSchema),
  /** The index revision that answered. */
  rev: z.number().int(),
  embedder: z.string(),
  /** Whether meaning was ranked by as well, beside words and n-grams. */
  semantic: z.boolean().optional(),
  /** The worker is starting: only cards newer than its snapshot were looked at. Ask again. */
  partial: z.boolean().optional(),
  /** Why there is nothing: no card passes the filters, or none of those fits the words. */
  empty: z.enum(['nothing-passes', 'nothing-matches']).optional(),
  /** What an embedder that could not be reached left: words, or words and n-grams. */
  degraded: z.enum(['words-only', 'base-only']).optional(),
  total: z.number().int(),
  next: z.string().optional(),
  /** Why each of the next cards was left out, when `explain` was asked for. */
  left_out: z.array(z.object({ did: didField, agent: agentField, reason: z.string() })).optional(),
});
export type SearchAnswer = z.infer<typeof searchAnswerSchema>;
