import { getPublicKeyAsync } from '@noble/ed25519';
import { concat, plainBytes } from '../encoding/bytes.ts';
import { type Did, didFromPublicKey, publicKeyFromDid } from './did-key.ts';
import { admitKey } from './key-admission.ts';

/** Holds one private key. `sign` returns the 64 bytes of RFC 8032. */
export interface Signer {
  readonly did: Did;
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** Says whether a DID signed a message. Never throws on what a stranger can send. */
export interface Verifier {
  verify(did: Did, message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

// RFC 8410 section 7: PrivateKeyInfo {0, {id-Ed25519}, OCTET STRING {OCTET STRING (32)}}.
const PKCS8_HEAD = Uint8Array.of(
  0x30,
  0x2e,
  0x02,
  0x01,
  0x00,
  0x30,
  0x05,
  0x06,
  0x03,
  0x2b,
  0x65,
  0x70,
  0x04,
  0x22,
  0x04,
  0x20,
);

/** A signer from the 32 bytes of an RFC 8032 private key. */
export async function createSigner(seed: Uint8Array): Promise<Signer> {
  if (seed.length !== 32) throw new RangeError('an Ed25519 seed has 32 bytes');
  const subtle = subtleCrypto();
  const did = didFromPublicKey(await getPublicKeyAsync(seed));
  const key = await withEd25519(
    subtle.importKey('pkcs8', concat(PKCS8_HEAD, seed), 'Ed25519', false, ['sign']),
  );
  return {
    did,
    async sign(message) {
      return new Uint8Array(await subtle.sign('Ed25519', key, plainBytes(message)));
    },
  };
}

/** Admitted keys a verifier remembers; a CryptoKey and its DID take about half a KiB. */
export const KEY_CACHE_SIZE = 10_000;

export interface VerifierOptions {
  /** KEY_CACHE_SIZE by default. */
  readonly cacheSize?: number;
  /**
   * DIDs whose keys an earlier verifier has admitted, from wherever only verified ones are kept:
   * `admitKey`, most of the price of a first signature, is spared once for each.
   */
  readonly admitted?: Iterable<Did>;
}

/**
 * A verifier that admits each key once (`admitKey`) and then asks WebCrypto alone.
 *
 * WebCrypto is the only judge of the equation: JavaScript implementations accept R plus a torsion
 * point. Two checks stand before it, because runtimes differ there: S must be below the group
 * order (workerd throws, the others answer false), and R must not be the neutral element (Node
 * refuses it as the W3C text says, Bun, Deno and workerd accept it).
 */
export function createVerifier(options: VerifierOptions = {}): Verifier {
  const subtle = subtleCrypto();
  const { cacheSize = KEY_CACHE_SIZE, admitted = [] } = options;
  const keys = new KeyCache(subtle, cacheSize, admitted);
  return {
    async verify(did, message, signature) {
      if (!isWellFormedSignature(signature)) return false;
      const key = await keys.get(did);
      if (key === null) return false;
      return subtle.verify('Ed25519', key, plainBytes(signature), plainBytes(message));
    },
  };
}

/** Least-recently-used cache of DIDs; null stands for a key that was refused. */
class KeyCache {
  readonly #keys = new Map<Did, CryptoKey | null>();
  readonly #subtle: SubtleCrypto;
  readonly #size: number;
  /** Admitted before and not asked for yet. */
  readonly #admitted: Set<Did>;

  constructor(subtle: SubtleCrypto, size: number, admitted: Iterable<Did>) {
    if (!Number.isInteger(size) || size < 1) throw new RangeError('cacheSize must be positive');
    this.#subtle = subtle;
    this.#size = size;
    this.#admitted = new Set(admitted);
  }

  async get(did: Did): Promise<CryptoKey | null> {
    const known = this.#keys.get(did);
    if (known !== undefined) {
      // A Map iterates in order of insertion: moving to the end is what makes it LRU.
      this.#keys.delete(did);
      this.#keys.set(did, known);
      return known;
    }
    // Results are kept, never promises: workerd forbids one request to await another's.
    const key = await this.#admit(did);
    this.#keys.delete(did);
    this.#keys.set(did, key);
    if (this.#keys.size > this.#size) {
      const oldest = this.#keys.keys().next();
      if (!oldest.done) this.#keys.delete(oldest.value);
    }
    return key;
  }

  async #admit(did: Did): Promise<CryptoKey | null> {
    const publicKey = publicKeyFromDid(did);
    if (!publicKey.ok) return null;
    if (!this.#admitted.delete(did) && !admitKey(publicKey.value).ok) return null;
    return withEd25519(
      this.#subtle.importKey('raw', plainBytes(publicKey.value), 'Ed25519', true, ['verify']),
    );
  }
}

/** L, the order of the base point (RFC 8032 section 5.1), as 32 little-endian bytes. */
const ORDER = Uint8Array.of(
  0xed,
  0xd3,
  0xf5,
  0x5c,
  0x1a,
  0x63,
  0x12,
  0x58,
  0xd6,
  0x9c,
  0xf7,
  0xa2,
  0xde,
  0xf9,
  0xde,
  0x14,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0,
  0x10,
);

function isWellFormedSignature(signature: Uint8Array): boolean {
  if (signature.length !== 64) return false;
  const isNeutral = signature[0] === 1 && signature.subarray(1, 32).every((byte) => byte === 0);
  return !isNeutral && isBelowOrder(signature.subarray(32));
}

function isBelowOrder(scalar: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const byte = scalar[i] ?? 0;
    const limit = ORDER[i] ?? 0;
    if (byte !== limit) return byte < limit;
  }
  return false;
}

function subtleCrypto(): SubtleCrypto {
  const subtle: SubtleCrypto | undefined =
    typeof crypto === 'undefined' ? undefined : crypto.subtle;
  if (subtle === undefined) {
    throw new Error('this runtime has no WebCrypto (in a browser it needs a secure context)');
  }
  return subtle;
}

async function withEd25519<T>(imported: Promise<T>): Promise<T> {
  try {
    return await imported;
  } catch (cause) {
    throw new Error('the WebCrypto of this runtime has no Ed25519, and nothing replaces it', {
      cause,
    });
  }
}
