/** `card.record`: what an executor signs about one of its cards (protocol.md, Agent card). */
import { z } from 'zod';
import { agentField, countField, didField, hashField, millisField } from './fields.ts';

export const cardRecordSchema = z.strictObject({
  did: didField,
  agent: agentField,
  /** Highest seq wins for (did, agent); the same seq with another hash is equivocation. */
  seq: countField,
  issued_at: millisField,
  expires_at: millisField,
  /** sha256 of the card's JCS, its `signatures` included. */
  card_sha256: hashField,
  revoked: z.enum(['true', 'false']),
});
export type CardRecord = z.infer<typeof cardRecordSchema>;
