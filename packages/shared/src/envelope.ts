import type { z } from 'zod';
import {
  concat,
  decodeBase64url,
  encodeBase64url,
  equalBytes,
  fromUtf8,
  sha256,
  utf8,
} from './encoding/bytes.ts';
import { jcs, parseJson } from './encoding/jcs.ts';
import { type StrictCode, strict } from './encoding/strict.ts';
import { type Did, isDid } from './identity/did-key.ts';
import type { Signer, Verifier } from './identity/signing.ts';
import { err, ok, type Result } from './result.ts';

/** One signature: who, and 64 bytes as base64url. */
export type EnvelopeSignature = { by: Did; sig: string };

/** The wire form of every signed object. */
export interface Envelope<B> {
  type: string;
  body: B;
  sigs: EnvelopeSignature[];
}

export type EnvelopeCode =
  | 'envelope-invalid'
  | 'type-wrong'
  | 'body-invalid'
  | 'not-canonical'
  | 'signer-missing'
  | 'signer-unexpected'
  | 'signature-invalid'
  | 'duplicate-signer';

/** An envelope whose signatures were all checked. */
export type OpenedEnvelope<B> = { id: string; envelope: Envelope<B>; body: B };

/** Signatures one envelope may carry where the caller sets no other bound. */
export const ENVELOPE_SIGS_MAX = 16;

const SIGNATURE_PREFIX = utf8('ZS1-sig\n');

/**
 * d = sha256( utf8("ZS1\n" + type + "\n" + network + "\n") || strict(body) ).
 * Type and network stand in front, so that no signature means anything elsewhere.
 */
export function digestOf(
  network: string,
  type: string,
  body: unknown,
): Result<Uint8Array, StrictCode> {
  const bytes = strict(body);
  if (!bytes.ok) return bytes;
  return ok(sha256(concat(utf8(`ZS1\n${type}\n${network}\n`), bytes.value)));
}

/** base64url(d): an id comes from the unsigned body, never from a signature. Throws on a body that
 *  is not of the strict shape. */
export function idOf(network: string, type: string, body: unknown): string {
  return encodeBase64url(digestOrThrow(network, type, body));
}

function digestOrThrow(network: string, type: string, body: unknown): Uint8Array {
  const digest = digestOf(network, type, body);
  if (!digest.ok) throw new TypeError(`${type}: ${digest.code} at ${digest.detail ?? '$'}`);
  return digest.value;
}

/** Signs a body: Ed25519(utf8("ZS1-sig\n") || d). Throws on a body not of the strict shape. */
export async function sealEnvelope<B>(
  network: string,
  type: string,
  body: B,
  signer: Signer,
): Promise<Envelope<B>> {
  return cosign(network, { type, body, sigs: [] }, signer);
}

/** The envelope with this signer's signature added; unchanged if it is there already. */
export async function cosign<B>(
  network: string,
  envelope: Envelope<B>,
  signer: Signer,
): Promise<Envelope<B>> {
  if (envelope.sigs.some(({ by }) => by === signer.did)) return envelope;
  const digest = digestOrThrow(network, envelope.type, envelope.body);
  const sig = encodeBase64url(await signer.sign(concat(SIGNATURE_PREFIX, digest)));
  return { ...envelope, sigs: [...envelope.sigs, { by: signer.did, sig }] };
}

/** Whether one signature over a body holds. For signatures kept apart from their envelope. */
export async function verifySignature(
  network: string,
  type: string,
  body: unknown,
  signature: EnvelopeSignature,
  verifier: Verifier,
): Promise<boolean> {
  const digest = digestOf(network, type, body);
  const sig = decodeBase64url(signature.sig);
  if (!digest.ok || !sig.ok) return false;
  return verifier.verify(signature.by, concat(SIGNATURE_PREFIX, digest.value), sig.value);
}

/** Who has to sign, possibly read from the body. */
export type SignersOf<B> = readonly Did[] | ((body: B) => readonly Did[]);

export type OpenOptions<B> = {
  /** Each of these must have signed. */
  by?: SignersOf<B>;
  /** These may have signed as well. With `by` or `among` given, nobody else may. */
  among?: SignersOf<B>;
  /** Signatures allowed; ENVELOPE_SIGS_MAX by default. */
  maxSigs?: number;
};

/**
 * Checks an envelope from outside: its shape, type, body, signers and every signature. Whatever
 * is cheap comes before the first signature check. Text and bytes must be canonical to the byte.
 *
 * The schema describes the wire form and changes nothing: a body it would strip or transform is
 * `not-canonical`. `detail` names the field of `body-invalid` and the DID of a signer's fault.
 */
export async function openEnvelope<B>(
  network: string,
  raw: unknown,
  schema: z.ZodType<B>,
  expectedType: string,
  verifier: Verifier,
  options: OpenOptions<B> = {},
): Promise<Result<OpenedEnvelope<B>, EnvelopeCode>> {
  const read = readEnvelope(raw, options.maxSigs ?? ENVELOPE_SIGS_MAX);
  if (!read.ok) return read;
  if (read.value.type !== expectedType) return err('type-wrong', read.value.type.slice(0, 64));
  const body = readBody(read.value.body, schema);
  if (!body.ok) return body;
  const signers = checkSigners(read.value.sigs, body.value, options);
  if (!signers.ok) return signers;
  const digest = digestOf(network, expectedType, body.value);
  if (!digest.ok) return err('not-canonical', digest.detail);
  const message = concat(SIGNATURE_PREFIX, digest.value);
  for (const { by, sig } of read.value.sigs) {
    const bytes = decodeBase64url(sig);
    if (!bytes.ok || !(await verifier.verify(by, message, bytes.value))) {
      return err('signature-invalid', by);
    }
  }
  const envelope = { type: expectedType, body: body.value, sigs: read.value.sigs };
  return ok({ id: encodeBase64url(digest.value), envelope, body: body.value });
}

function readEnvelope(
  raw: unknown,
  maxSigs: number,
): Result<Envelope<unknown>, 'envelope-invalid' | 'not-canonical'> {
  const value = typeof raw === 'string' || raw instanceof Uint8Array ? readText(raw) : ok(raw);
  if (!value.ok) return value;
  if (!hasExactly(value.value, ['body', 'sigs', 'type'])) return err('envelope-invalid', '$');
  const { type, body, sigs } = value.value;
  if (typeof type !== 'string') return err('envelope-invalid', 'type');
  if (!Array.isArray(sigs) || sigs.length < 1 || sigs.length > maxSigs) {
    return err('envelope-invalid', 'sigs');
  }
  const read: EnvelopeSignature[] = [];
  for (const entry of Array.from<unknown>(sigs)) {
    if (!hasExactly(entry, ['by', 'sig'])) return err('envelope-invalid', 'sigs');
    const { by, sig } = entry;
    if (!isDid(by) || typeof sig !== 'string' || sig.length !== 86) {
      return err('envelope-invalid', 'sigs');
    }
    read.push({ by, sig });
  }
  return ok({ type, body, sigs: read });
}

function readText(raw: string | Uint8Array): Result<unknown, 'envelope-invalid' | 'not-canonical'> {
  const text = typeof raw === 'string' ? ok(raw) : fromUtf8(raw);
  if (!text.ok) return err('envelope-invalid', 'utf-8');
  const value = parseJson(text.value);
  if (!value.ok) return err('envelope-invalid', value.code);
  return jcs(value.value) === text.value ? value : err('not-canonical', '$');
}

function hasExactly<K extends string>(
  value: unknown,
  keys: readonly K[],
): value is Record<K, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return (
    Object.keys(value).length === keys.length && keys.every((key) => Object.hasOwn(value, key))
  );
}

function readBody<B>(
  raw: unknown,
  schema: z.ZodType<B>,
): Result<B, 'body-invalid' | 'not-canonical'> {
  const encoded = strict(raw);
  if (!encoded.ok) return err('not-canonical', encoded.detail);
  const parsed = schema.safeParse(raw);
  if (!parsed.success) return err('body-invalid', fieldOf(parsed.error));
  const again = strict(parsed.data);
  if (!again.ok || !equalBytes(again.value, encoded.value)) return err('not-canonical', '$');
  return ok(parsed.data);
}

function fieldOf(error: z.ZodError): string {
  const issue = error.issues[0];
  if (issue === undefined) return '$';
  const path = issue.path.map(String).join('.');
  if (issue.code !== 'unrecognized_keys') return path === '' ? '$' : path;
  return [path, issue.keys[0]].filter((part) => part !== '').join('.');
}

function checkSigners<B>(
  sigs: readonly EnvelopeSignature[],
  body: B,
  options: OpenOptions<B>,
): Result<void, 'signer-missing' | 'signer-unexpected' | 'duplicate-signer'> {
  const signers = new Set<Did>();
  for (const { by } of sigs) {
    if (signers.has(by)) return err('duplicate-signer', by);
    signers.add(by);
  }
  const required = signersOf(options.by, body);
  const missing = required.find((did) => !signers.has(did));
  if (missing !== undefined) return err('signer-missing', missing);
  if (options.by === undefined && options.among === undefined) return ok(undefined);
  const allowed = new Set([...required, ...signersOf(options.among, body)]);
  const stranger = sigs.find(({ by }) => !allowed.has(by));
  return stranger === undefined ? ok(undefined) : err('signer-unexpected', stranger.by);
}

function signersOf<B>(signers: SignersOf<B> | undefined, body: B): readonly Did[] {
  if (signers === undefined) return [];
  return typeof signers === 'function' ? signers(body) : signers;
}
