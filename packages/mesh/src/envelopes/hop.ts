/** What two neighbours say to each other about one envelope: an offer, and words back. */
import {
  type Did,
  err,
  fromUtf8,
  isDid,
  isHash,
  ok,
  parseJson,
  type Result,
  utf8,
} from '@zerostate/shared';
import { ENVELOPE_BYTES_MAX, ENVELOPE_TTL_MS_MAX } from '../limits.ts';
import { ROUTING_LIMITS } from '../routing/limits.ts';
import type { Head } from './envelope.ts';

/** First frame of a stream; the sealed bytes follow it. */
export interface Offer {
  head: Head;
  signature: string;
  /** The nodes that it has passed, the author first, the sender last. */
  passed: readonly Did[];
  /** What is left of its time, ms. */
  leftMs: number;
  /** How long an envelope back to the author would wait at the sender, and take from there, ms. */
  waitMs: number;
  remainingMs: number;
  bytes: number;
}

/** Why an envelope was not taken, or not brought further. */
export const ROUTE_CODES = [
  'no-route',
  'hops-exhausted',
  'expired',
  'busy',
  'loop',
  'repeated',
  'over-message-rate',
  'over-byte-rate',
  'envelope-invalid',
  'envelope-forged',
  'envelope-unreadable',
  'envelope-early',
  'envelope-too-large',
] as const;
export type RouteCode = (typeof ROUTE_CODES)[number];

/**
 * What the receiver says. `taken` comes first, `working` while it is on its way further, and
 * `delivered` or `refused` ends the exchange. Times in ms.
 */
export type Word =
  | { kind: 'taken'; waitMs: number; remainingMs: number }
  | { kind: 'working' }
  | { kind: 'delivered' }
  | { kind: 'refused'; code: RouteCode };

/** A time that one hop says of another; more is as good as never. */
const SAID_MS_MAX = 86_400_000;

export function encodeOffer(offer: Offer): Uint8Array {
  const { head, signature, passed, leftMs, waitMs, remainingMs, bytes } = offer;
  const { from, to, re, issuedAt, ttlMs, qos, key, sha256 } = head;
  return utf8(
    JSON.stringify({
      head: { from, to, re: re ?? '', issued_at: issuedAt, ttl_ms: ttlMs, qos, key, sha256 },
      signature,
      passed,
      left_ms: Math.ceil(leftMs),
      wait_ms: said(waitMs),
      remaining_ms: said(remainingMs),
      bytes,
    }),
  );
}

export function decodeOffer(frame: Uint8Array): Result<Offer, 'envelope-invalid'> {
  const value = objectOf(frame);
  const head = readHead(value?.head);
  if (value === null || head === null) return err('envelope-invalid', 'head');
  const { signature, passed, left_ms, wait_ms, remaining_ms, bytes } = value;
  if (typeof signature !== 'string' || !/^[A-Za-z0-9_-]{86}$/.test(signature)) {
    return err('envelope-invalid', 'signature');
  }
  if (!isWay(passed) || passed[0] !== head.from) return err('envelope-invalid', 'passed');
  if (!isCount(left_ms, head.ttlMs) || left_ms === 0) return err('envelope-invalid', 'left_ms');
  if (!isTime(wait_ms) || !isTime(remaining_ms)) return err('envelope-invalid', 'wait_ms');
  if (!isCount(bytes, ENVELOPE_BYTES_MAX)) return err('envelope-invalid', 'bytes');
  const times = { leftMs: left_ms, waitMs: wait_ms, remainingMs: remaining_ms };
  return ok({ head, signature, passed, ...times, bytes });
}

export function encodeWord(word: Word): Uint8Array {
  if (word.kind !== 'taken') return utf8(JSON.stringify(word));
  const { waitMs, remainingMs } = word;
  const times = { wait_ms: said(waitMs), remaining_ms: said(remainingMs) };
  return utf8(JSON.stringify({ kind: 'taken', ...times }));
}

export function decodeWord(frame: Uint8Array): Result<Word, 'word-invalid'> {
  const value = objectOf(frame);
  const kind = value?.kind;
  if (kind === 'working' || kind === 'delivered') return ok({ kind });
  if (kind === 'taken' && isTime(value?.wait_ms) && isTime(value?.remaining_ms)) {
    return ok({ kind, waitMs: value.wait_ms, remainingMs: value.remaining_ms });
  }
  const code = ROUTE_CODES.find((one) => one === value?.code);
  if (kind === 'refused' && code !== undefined) return ok({ kind, code });
  return err('word-invalid', String(kind).slice(0, 32));
}

function readHead(value: unknown): Head | null {
  if (!isRecord(value)) return null;
  const { from, to, re, issued_at: issuedAt, ttl_ms: ttlMs, qos, key, sha256 } = value;
  if (!isDid(from) || !isDid(to) || from === to) return null;
  if (typeof re !== 'string' || !(re === '' || isHash(re))) return null;
  if (!isCount(issuedAt, Number.MAX_SAFE_INTEGER)) return null;
  if (!isCount(ttlMs, ENVELOPE_TTL_MS_MAX) || ttlMs === 0) return null;
  if (qos !== 'control' && qos !== 'bulk') return null;
  if (typeof key !== 'string' || !isHash(key)) return null;
  if (typeof sha256 !== 'string' || !isHash(sha256)) return null;
  return { from, to, re: re === '' ? null : re, issuedAt, ttlMs, qos, key, sha256 };
}

/** Different DIDs, one for each hop that was taken. */
function isWay(value: unknown): value is Did[] {
  return (
    Array.isArray(value) &&
    value.length >= 1 &&
    value.length <= ROUTING_LIMITS.hopsMax &&
    value.every(isDid) &&
    new Set(value).size === value.length
  );
}

function objectOf(frame: Uint8Array): Record<string, unknown> | null {
  const text = fromUtf8(frame);
  const json = text.ok ? parseJson(text.value, 3) : text;
  return json.ok && isRecord(json.value) ? json.value : null;
}

function said(ms: number): number {
  return Math.min(SAID_MS_MAX, Math.max(0, ms));
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && value <= SAID_MS_MAX;
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
