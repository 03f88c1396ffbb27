/** GET /v1/network: what a caller must know before it signs anything. */
import { z } from 'zod';
import { didField, millisField } from '../messages/fields.ts';

export const genesisSchema = z.strictObject({
  ledger: didField,
  asset: z.string().max(64),
  kind: z.enum(['local', 'open']),
  created_at: millisField,
});

export const networkAnswerSchema = z.object({
  network: z.string(),
  genesis: genesisSchema,
  edge_did: didField,
  /** Public origins of this edge; a signed request names one of them. */
  origins: z.array(z.string()),
  arbiters: z.array(didField),
  /** Whether this edge gives out play money. */
  faucet: z.boolean(),
  /** The edge's clock, ms. */
  now: z.number().int(),
  version: z.string(),
});
export type NetworkAnswer = z.infer<typeof networkAnswerSchema>;
