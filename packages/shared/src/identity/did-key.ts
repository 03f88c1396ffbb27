import { base58 } from '@scure/base';
import { concat } from '../encoding/bytes.ts';
import { err, ok, type Result } from '../result.ts';

/** A decentralised identifier of method `key` that names an Ed25519 public key. */
export type Did = string;

const PREFIX = 'did:key:z';
// Multicodec ed25519-pub, 0xed as a varint.
const MULTICODEC = Uint8Array.of(0xed, 0x01);
// 34 bytes that start with ed 01 always have 48 characters in base58btc with the leading z.
const SHAPE = /^did:key:z6Mk[1-9A-HJ-NP-Za-km-z]{44}$/;

/** `did:key` of 32 key bytes. Whether the key is a good one is for `admitKey` to say. */
export function didFromPublicKey(publicKey: Uint8Array): Did {
  if (publicKey.length !== 32) throw new RangeError('an Ed25519 public key has 32 bytes');
  return PREFIX + base58.encode(concat(MULTICODEC, publicKey));
}

/** The 32 key bytes that a DID names. */
export function publicKeyFromDid(did: string): Result<Uint8Array, 'did-invalid'> {
  // The shape bounds the length before base58, whose cost is quadratic.
  if (!SHAPE.test(did)) return err('did-invalid');
  const bytes = base58.decode(did.slice(PREFIX.length));
  if (bytes.length !== 34 || bytes[0] !== MULTICODEC[0] || bytes[1] !== MULTICODEC[1]) {
    return err('did-invalid');
  }
  return ok(bytes.slice(2));
}

/** Whether a text is the one spelling of an Ed25519 `did:key`. */
export function isDid(text: unknown): text is Did {
  return typeof text === 'string' && publicKeyFromDid(text).ok;
}

/** URL of the one verification method in the DID's document: `did:key:z6Mk…#z6Mk…`. */
export function verificationMethod(did: Did): string {
  return `${did}#${did.slice('did:key:'.length)}`;
}

/** The DID a verification method belongs to; the inverse of `verificationMethod`. */
export function didOfVerificationMethod(method: string): Result<Did, 'did-invalid'> {
  const did = method.slice(0, Math.max(0, method.indexOf('#')));
  return isDid(did) && verificationMethod(did) === method ? ok(did) : err('did-invalid');
}
