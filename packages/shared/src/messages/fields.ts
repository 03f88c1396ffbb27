/** The shapes that signed bodies are made of: every leaf is a string (protocol.md, Encoding). */
import { z } from 'zod';

/** Ed25519 did:key: multicodec 0xed01 in base58btc always starts with z6Mk and has 48 characters. */
export const didField = z
  .string()
  .regex(/^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/, 'not an Ed25519 did:key');
/** 32 bytes in base64url without padding: a sha256 or an id. The last character carries two zero bits. */
export const hashField = z
  .string()
  .regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/, 'not a base64url sha256');
/** 16 random bytes in base64url without padding. */
export const nonceField = z
  .string()
  .regex(/^[A-Za-z0-9_-]{21}[AQgw]$/, 'not 16 bytes in base64url');
/** 64 bytes in base64url without padding: an Ed25519 signature. */
export const signatureField = z
  .string()
  .regex(/^[A-Za-z0-9_-]{85}[AQgw]$/, 'not a base64url signature');
/** Whole micro-units, 0 to 2^53 - 1 (the regex of protocol.md admits up to 10^16 - 1). */
export const amountField = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,15})$/, 'not a whole number of micro-units')
  .refine((text) => Number.isSafeInteger(Number(text)), 'over 2^53 - 1');
/** A positive amount. */
export const positiveField = amountField.refine((text) => text !== '0', 'must be above zero');
/** Integer milliseconds since the epoch, or a duration. */
export const millisField = amountField;
/** A count: gas, bytes, pages. */
export const countField = amountField;
/** An agent's name within its DID. */
export const agentField = z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'not an agent name');
/** The payer's side of a channel. */
export const dirField = z.enum(['a', 'b']);
export type Dir = z.infer<typeof dirField>;
/** Lane 0 carries plain vouchers, 1 to 255 carry tasks. */
export const laneField = z
  .string()
  .regex(/^(0|[1-9][0-9]{0,2})$/)
  .refine((text) => Number(text) < 256, 'over 255');
export const taskLaneField = laneField.refine((text) => text !== '0', 'lane 0 carries no task');
/** '' before the first receipt, otherwise a hash (money.md 3, memo). */
export const memoField = z.union([z.literal(''), hashField]);
/** base64url bytes without padding; the length is checked where it is decoded. */
export const bytesField = z.string().regex(/^[A-Za-z0-9_-]*$/, 'not base64url');
/** ASCII words that people and machines read: a code. */
export const codeField = z.string().regex(/^[a-z0-9][a-z0-9:-]{0,63}$/, 'not a code');
/** Free ASCII text in a signed body. */
export const asciiField = z
  .string()
  .max(1024)
  .regex(/^[\x20-\x7e]*$/, 'not printable ASCII');

/** The wire form of anything signed, before its body and signatures are checked. */
export const envelopeField = z.strictObject({
  type: z.string().max(64),
  body: z.record(z.string(), z.unknown()),
  sigs: z.array(z.strictObject({ by: didField, sig: signatureField })).max(4),
});
