/** Signatures of A2A agent cards: JWS (RFC 7515) over canonical JSON, A2A 1.0 section 8.4. */
import { decodeBase64url, encodeBase64url, fromUtf8, utf8 } from '../encoding/bytes.ts';
import { type Json, jcs, parseJson } from '../encoding/jcs.ts';
import { type Did, verificationMethod } from '../identity/did-key.ts';
import type { Signer, Verifier } from '../identity/signing.ts';
import { err, ok, type Result } from '../result.ts';
import { withoutDefaults } from './presence.ts';

/** JWS of the JSON form without its payload, which is the card. */
export type CardSignature = {
  protected: string;
  signature: string;
  header?: { [key: string]: Json };
};

export type CardSignatureCode =
  | 'card-unsigned'
  | 'card-signature-header'
  | 'card-signature-key'
  | 'card-signature-invalid';

/** A protected header is a few names; this bounds the work on a hostile one. */
const HEADER_CHARS_MAX = 1024;
/** A card has one signature, two while a key is replaced. */
const SIGNATURES_MAX = 8;

type Card = { readonly [key: string]: unknown };

/**
 * What is signed: the card without `signatures` and without members that hold the default of an
 * unset field (section 8.4.1), canonical by RFC 8785.
 */
export function cardPayload(card: Card): Uint8Array {
  const { signatures: _, ...unsigned } = card;
  return utf8(jcs(withoutDefaults(unsigned)));
}

/** The card with the signer's signature as its only one. */
export async function signCard<C extends Card>(
  card: C,
  signer: Signer,
): Promise<C & { signatures: CardSignature[] }> {
  const header = { alg: 'EdDSA', kid: verificationMethod(signer.did), typ: 'JOSE' };
  const protectedHeader = encodeBase64url(utf8(jcs(header)));
  const signature = encodeBase64url(await signer.sign(signingInput(protectedHeader, card)));
  return { ...card, signatures: [{ protected: protectedHeader, signature }] };
}

/**
 * Whether a DID signed this card. The DID is the trust root: `jku` and every key that a header
 * may carry are ignored. Signatures by others do no harm and are no help.
 */
export async function verifyCard(
  card: Card,
  did: Did,
  verifier: Verifier,
): Promise<Result<void, CardSignatureCode>> {
  const { signatures } = card;
  if (!Array.isArray(signatures) || signatures.length === 0) return err('card-unsigned');
  let last: Result<void, CardSignatureCode> = err('card-unsigned');
  for (const entry of Array.from<unknown>(signatures).slice(0, SIGNATURES_MAX)) {
    last = await verifyOne(card, entry, did, verifier);
    if (last.ok) return last;
  }
  return last;
}

async function verifyOne(
  card: Card,
  entry: unknown,
  did: Did,
  verifier: Verifier,
): Promise<Result<void, CardSignatureCode>> {
  const read = readSignature(entry);
  if (!read.ok) return read;
  if (read.value.kid !== verificationMethod(did)) return err('card-signature-key');
  const input = signingInput(read.value.protectedHeader, card);
  const valid = await verifier.verify(did, input, read.value.signature);
  return valid ? ok(undefined) : err('card-signature-invalid');
}

/** RFC 7515 section 5.1: ASCII(BASE64URL(header) || '.' || BASE64URL(payload)). */
function signingInput(protectedHeader: string, card: Card): Uint8Array {
  return utf8(`${protectedHeader}.${encodeBase64url(cardPayload(card))}`);
}

type Header = { alg?: unknown; kid?: unknown; crit?: unknown };
type ReadSignature = { kid: string; protectedHeader: string; signature: Uint8Array };

function readSignature(entry: unknown): Result<ReadSignature, CardSignatureCode> {
  const refused = err('card-signature-header' as const);
  if (!isRecord(entry)) return refused;
  const { protected: protectedHeader, signature } = entry;
  if (typeof protectedHeader !== 'string' || typeof signature !== 'string') return refused;
  if (protectedHeader.length > HEADER_CHARS_MAX || signature.length !== 86) return refused;
  const header = readHeader(protectedHeader);
  const bytes = decodeBase64url(signature);
  if (header === null || !bytes.ok) return refused;
  // RFC 8037 names the algorithm EdDSA, RFC 9864 Ed25519. A `crit` is an extension we do not know.
  if (header.alg !== 'EdDSA' && header.alg !== 'Ed25519') return refused;
  if (typeof header.kid !== 'string' || header.crit !== undefined) return refused;
  return ok({ kid: header.kid, protectedHeader, signature: bytes.value });
}

function readHeader(protectedHeader: string): Header | null {
  const bytes = decodeBase64url(protectedHeader);
  if (!bytes.ok) return null;
  const text = fromUtf8(bytes.value);
  if (!text.ok) return null;
  const header = parseJson(text.value, 4);
  return header.ok && isRecord(header.value) ? header.value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
