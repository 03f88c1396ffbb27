/** Envelopes: what travels over nodes that may neither read nor change it. */
import {
  type Did,
  decodeBase64url,
  digestSha256,
  encodeBase64url,
  err,
  idOf,
  ok,
  plainBytes,
  type Result,
  type Signer,
  sealEnvelope,
  utf8,
  type Verifier,
  verifySignature,
} from '@zerostate/shared';
import type { Rng } from '../ports.ts';
import type { QosClass } from '../tasks/message.ts';
import {
  type AgreementKeys,
  type AgreementPair,
  agreementPair,
  messageKey,
} from './key-agreement.ts';

/** What everyone on the way may read of an envelope, and nobody may change. */
export interface Head {
  from: Did;
  to: Did;
  /** Id of the envelope that this one answers; null for a question. */
  re: string | null;
  /** By the author's clock, ms since the epoch. */
  issuedAt: number;
  /** How long it may travel, ms. */
  ttlMs: number;
  qos: QosClass;
  /** The author's X25519 key for this envelope, 32 bytes as base64url. */
  key: string;
  /** sha256 of what is sealed. */
  sha256: string;
}

export interface Envelope {
  /** The digest that the author signed: an id that nobody else can take first. */
  id: string;
  head: Head;
  /** 64 bytes as base64url. */
  signature: string;
  /** AES-256-GCM with its tag. */
  sealed: Uint8Array;
}

const TYPE = 'mesh.envelope';

/** The signed body: each leaf is a string, as in every signature of the protocol. */
function bodyOf(head: Head): Record<string, string> {
  const { from, to, re, issuedAt, ttlMs, qos, key, sha256 } = head;
  return {
    from,
    to,
    re: re ?? '',
    issued_at: String(issuedAt),
    ttl_ms: String(ttlMs),
    qos,
    key,
    sha256,
  };
}

/** The head without what is known only once it is sealed: bound to the ciphertext by GCM. */
function boundTo(network: string, head: Omit<Head, 'sha256'>): Uint8Array<ArrayBuffer> {
  return utf8(JSON.stringify({ network, ...bodyOf({ ...head, sha256: '' }) }));
}

export function envelopeId(network: string, head: Head): string {
  return idOf(network, TYPE, bodyOf(head));
}

/** Seals `content` for the recipient's key and signs what is outside. */
export async function sealFor(
  network: string,
  { signer, rng, keys }: { signer: Signer; rng: Rng; keys: AgreementKeys },
  about: Omit<Head, 'from' | 'key' | 'sha256'>,
  content: Uint8Array,
): Promise<Result<Envelope, 'did-invalid'>> {
  const recipient = keys.of(about.to);
  if (!recipient.ok) return recipient;
  const { secret, publicKey } = await agreementPair(rng.bytes(32));
  const parties = { ephemeral: publicKey, recipient: recipient.value };
  const derived = await messageKey(secret, recipient.value, parties, 'encrypt');
  if (derived === null) return err('did-invalid');
  const { to, re, issuedAt, ttlMs, qos } = about;
  const bound = { from: signer.did, to, re, issuedAt, ttlMs, qos, key: encodeBase64url(publicKey) };
  const sealed = new Uint8Array(
    await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: derived.nonce, additionalData: boundTo(network, bound) },
      derived.key,
      plainBytes(content),
    ),
  );
  const head: Head = { ...bound, sha256: await digestSha256(sealed) };
  const { sigs } = await sealEnvelope(network, TYPE, bodyOf(head), signer);
  return ok({ id: envelopeId(network, head), head, signature: sigs[0]?.sig ?? '', sealed });
}

/** Whether its author made this envelope as it is. Everyone on the way asks this first. */
export async function isAuthentic(
  network: string,
  { head, signature, sealed }: Omit<Envelope, 'id'>,
  verifier: Verifier,
): Promise<boolean> {
  if ((await digestSha256(sealed)) !== head.sha256) return false;
  const by = { by: head.from, sig: signature };
  return verifySignature(network, TYPE, bodyOf(head), by, verifier);
}

/** The content, for the recipient's pair; an error when it was sealed for another. */
export async function openSealed(
  network: string,
  { head, sealed }: Envelope,
  pair: AgreementPair,
): Promise<Result<Uint8Array, 'envelope-unreadable'>> {
  const ephemeral = decodeBase64url(head.key);
  if (!ephemeral.ok) return err('envelope-unreadable', 'key');
  const parties = { ephemeral: ephemeral.value, recipient: pair.publicKey };
  const derived = await messageKey(pair.secret, ephemeral.value, parties, 'decrypt');
  if (derived === null) return err('envelope-unreadable', 'key');
  const { sha256: _, ...bound } = head;
  try {
    const content = await crypto.subtle.decrypt(
      { name: 'AES-GCM', iv: derived.nonce, additionalData: boundTo(network, bound) },
      derived.key,
      plainBytes(sealed),
    );
    return ok(new Uint8Array(content));
  } catch {
    return err('envelope-unreadable');
  }
}
