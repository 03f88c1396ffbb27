/** X25519 between the Ed25519 keys that DIDs name: RFC 7748, RFC 8032, HKDF of RFC 5869. */
import {
  admitKey,
  concat,
  type Did,
  err,
  ok,
  plainBytes,
  publicKeyFromDid,
  type Result,
  utf8,
} from '@zerostate/shared';
import { AGREEMENT_KEYS_MAX } from '../limits.ts';

/** The prime of the field, 2^255 - 19. */
const P = 2n ** 255n - 19n;
const BASE_POINT = Uint8Array.of(9, ...new Array<number>(31).fill(0));
/** RFC 8410 section 7: PrivateKeyInfo {0, {id-X25519}, OCTET STRING {OCTET STRING (32)}}. */
const PKCS8_HEAD = Uint8Array.of(
  ...[0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06],
  ...[0x03, 0x2b, 0x65, 0x6e, 0x04, 0x22, 0x04, 0x20],
);
const INFO = utf8('zerostate mesh.envelope 1');
const KEY_BITS = 256;
const NONCE_BITS = 96;

/** One key and nonce, for one message: the key pair that they come from is used once. */
export interface MessageKey {
  key: CryptoKey;
  nonce: Uint8Array<ArrayBuffer>;
}

/**
 * The X25519 public key of an Ed25519 one: u = (1 + y) / (1 - y), RFC 7748 section 4.1. Admitting
 * the key costs a millisecond.
 */
export function agreementKeyOf(did: Did): Result<Uint8Array<ArrayBuffer>, 'did-invalid'> {
  const publicKey = publicKeyFromDid(did);
  // A key that is admitted has a large order: its y is neither 1 nor -1.
  if (!publicKey.ok || !admitKey(publicKey.value).ok) return err('did-invalid');
  const y = readLittleEndian(publicKey.value) & (2n ** 255n - 1n);
  return ok(writeLittleEndian(((1n + y) * inverse(P + 1n - y)) % P));
}

/** Keys of DIDs that were admitted, the one unused the longest is forgotten first. */
export class AgreementKeys {
  readonly #keys = new Map<Did, Uint8Array<ArrayBuffer>>();

  of(did: Did): Result<Uint8Array<ArrayBuffer>, 'did-invalid'> {
    const known = this.#keys.get(did);
    const key = known === undefined ? agreementKeyOf(did) : ok(known);
    if (!key.ok) return key;
    this.#keys.delete(did);
    this.#keys.set(did, key.value);
    if (this.#keys.size > AGREEMENT_KEYS_MAX) {
      const oldest = this.#keys.keys().next();
      if (!oldest.done) this.#keys.delete(oldest.value);
    }
    return key;
  }
}

export interface AgreementPair {
  secret: CryptoKey;
  publicKey: Uint8Array<ArrayBuffer>;
}

/** The X25519 pair of an Ed25519 seed: the first half of SHA-512, RFC 8032 section 5.1.5. */
export async function agreementPairOf(seed: Uint8Array): Promise<AgreementPair> {
  const digest = await crypto.subtle.digest('SHA-512', plainBytes(seed));
  return agreementPair(new Uint8Array(digest, 0, 32));
}

/** A key pair from 32 random bytes. */
export async function agreementPair(random: Uint8Array): Promise<AgreementPair> {
  const secret = await importSecret(random);
  const publicKey = await agree(secret, BASE_POINT);
  if (publicKey === null) throw new TypeError('the base point has a large order');
  return { secret, publicKey };
}

/**
 * The key of one message to `recipient` under the `ephemeral` public key, from either side's
 * secret. Null when `theirs` is a point of small order, which agrees on nothing.
 */
export async function messageKey(
  secret: CryptoKey,
  theirs: Uint8Array,
  parties: { ephemeral: Uint8Array; recipient: Uint8Array },
  use: 'encrypt' | 'decrypt',
): Promise<MessageKey | null> {
  const shared = await agree(secret, theirs);
  if (shared === null) return null;
  const material = await crypto.subtle.importKey('raw', shared, 'HKDF', false, ['deriveBits']);
  const salt = concat(parties.ephemeral, parties.recipient);
  const bits = await crypto.subtle.deriveBits(
    { name: 'HKDF', hash: 'SHA-256', salt, info: INFO },
    material,
    KEY_BITS + NONCE_BITS,
  );
  const key = new Uint8Array(bits, 0, KEY_BITS / 8);
  return {
    key: await crypto.subtle.importKey('raw', key, 'AES-GCM', false, [use]),
    nonce: new Uint8Array(bits, KEY_BITS / 8),
  };
}

function importSecret(bytes: Uint8Array): Promise<CryptoKey> {
  const der = concat(PKCS8_HEAD, bytes);
  return crypto.subtle.importKey('pkcs8', der, 'X25519', false, ['deriveBits']);
}

async function agree(
  secret: CryptoKey,
  theirs: Uint8Array,
): Promise<Uint8Array<ArrayBuffer> | null> {
  try {
    const raw = plainBytes(theirs);
    const key = await crypto.subtle.importKey('raw', raw, 'X25519', true, []);
    return new Uint8Array(
      await crypto.subtle.deriveBits({ name: 'X25519', public: key }, secret, 256),
    );
  } catch {
    // RFC 7748 section 6.1: an all-zero secret is refused.
    return null;
  }
}

/** By Fermat: the exponent is public, and so is what it is raised on. */
function inverse(value: bigint): bigint {
  let result = 1n;
  let square = value % P;
  for (let exponent = P - 2n; exponent > 0n; exponent >>= 1n) {
    if ((exponent & 1n) === 1n) result = (result * square) % P;
    square = (square * square) % P;
  }
  return result;
}

function readLittleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) + BigInt(byte), 0n);
}

function writeLittleEndian(value: bigint): Uint8Array<ArrayBuffer> {
  return Uint8Array.from({ length: 32 }, (_, at) => Number((value >> BigInt(8 * at)) & 255n));
}
