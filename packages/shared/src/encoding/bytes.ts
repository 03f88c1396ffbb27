import { sha256 as nobleSha256 } from '@noble/hashes/sha2.js';
import { base64urlnopad } from '@scure/base';
import { err, ok, type Result } from '../result.ts';

const encoder = new TextEncoder();
// ignoreBOM keeps a leading U+FEFF as text, so that decoding and encoding are inverse.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** UTF-8 bytes of a text. A lone surrogate becomes U+FFFD; refuse it before (`isWellFormed`). */
export function utf8(text: string): Uint8Array<ArrayBuffer> {
  // TextEncoder allocates a plain buffer on every runtime; not every runtime's types say so.
  return encoder.encode(text) as Uint8Array<ArrayBuffer>;
}

/** Text of UTF-8 bytes; overlong, truncated and surrogate sequences are refused. */
export function fromUtf8(bytes: Uint8Array): Result<string, 'utf8-invalid'> {
  try {
    return ok(decoder.decode(bytes));
  } catch {
    return err('utf8-invalid');
  }
}

/** Base64url without padding (RFC 4648 section 5). */
export function encodeBase64url(bytes: Uint8Array): string {
  return base64urlnopad.encode(bytes);
}

const BASE64URL = /^[A-Za-z0-9_-]*$/;
const BASE64URL_ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Strict inverse of `encodeBase64url`: padding, white space, the other alphabet and unused bits
 * that are not zero are refused, so that each byte string has one spelling.
 */
export function decodeBase64url(text: string): Result<Uint8Array, 'base64url-invalid'> {
  const rest = text.length % 4;
  if (rest === 1 || !BASE64URL.test(text)) return err('base64url-invalid');
  if (rest !== 0) {
    const unusedBits = rest === 2 ? 0b1111 : 0b11;
    const last = BASE64URL_ALPHABET.indexOf(text.charAt(text.length - 1));
    if ((last & unusedBits) !== 0) return err('base64url-invalid');
  }
  return ok(base64urlnopad.decode(text));
}

/** Lower-case hexadecimal. */
export function encodeHex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/** Inverse of `encodeHex`; upper case is read too, an odd length is refused. */
export function decodeHex(text: string): Result<Uint8Array, 'hex-invalid'> {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) return err('hex-invalid');
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++) {
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  }
  return ok(bytes);
}

/** One array with the bytes of all, in order. */
export function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}

/** Whether both hold the same bytes. Not constant time: for public data only. */
export function equalBytes(x: Uint8Array, y: Uint8Array): boolean {
  return x.length === y.length && x.every((byte, i) => byte === y[i]);
}

/** The same bytes on a plain ArrayBuffer, as WebCrypto wants them; copied only when shared. */
export function plainBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}

/** SHA-256 (FIPS 180-4), synchronous: for bodies and ids, a few KiB at most. */
export function sha256(bytes: Uint8Array): Uint8Array {
  return nobleSha256(bytes);
}

/** SHA-256 as it stands on the wire: 43 characters of base64url without padding. */
export function sha256Base64url(bytes: Uint8Array): string {
  return encodeBase64url(sha256(bytes));
}

/** Up to here the plain function costs less than the way to WebCrypto's thread and back. */
const SMALL_BYTES = 16 * 1024;

/** The same as `sha256Base64url` for bytes of any length, long ones by WebCrypto. */
export async function digestSha256(bytes: Uint8Array): Promise<string> {
  if (bytes.length <= SMALL_BYTES) return sha256Base64url(bytes);
  const digest = await crypto.subtle.digest('SHA-256', plainBytes(bytes));
  return encodeBase64url(new Uint8Array(digest));
}

const HASH = /^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/;

/** Whether a text is the canonical spelling of 32 bytes: a hash, an id, a nonce of that size. */
export function isHash(text: string): boolean {
  return HASH.test(text);
}
