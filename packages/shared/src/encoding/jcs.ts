import { err, ok, type Result } from '../result.ts';

/** Any value JSON can hold. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json };

/** Nesting that `jcs` and `parseJson` go down to; a bare scalar has depth 0. */
export const JSON_DEPTH_MAX = 64;

/**
 * Canonical JSON text (RFC 8785): members by UTF-16 code units, numbers as ECMAScript prints
 * them, strings with the shortest escapes.
 *
 * Everything `parseJson` returns can be encoded. Throws `TypeError` on what JSON cannot hold
 * (undefined, NaN, a bigint, a lone surrogate, a cycle or more than JSON_DEPTH_MAX levels).
 */
export function jcs(value: unknown): string {
  return encode(value, 0);
}

function encode(value: unknown, depth: number): string {
  if (depth > JSON_DEPTH_MAX) throw new TypeError(`JSON nests deeper than ${JSON_DEPTH_MAX}`);
  switch (typeof value) {
    case 'string':
      return encodeString(value);
    case 'boolean':
      return String(value);
    case 'number':
      // RFC 8785 section 3.2.2.3: ECMAScript's Number::toString; minus zero prints as 0.
      if (!Number.isFinite(value)) throw new TypeError('JSON has no number for NaN and Infinity');
      return String(value);
    case 'object':
      if (value === null) return 'null';
      return Array.isArray(value)
        ? `[${value.map((item) => encode(item, depth + 1)).join(',')}]`
        : encodeObject(value, depth);
    default:
      throw new TypeError(`JSON cannot hold a ${typeof value}`);
  }
}

function encodeObject(value: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) {
    throw new TypeError('JSON holds plain objects only');
  }
  // Section 3.2.3: sorted by UTF-16 code units, which is what sort() compares.
  const members = Object.entries(value).sort(([x], [y]) => (x < y ? -1 : 1));
  return `{${members
    .map(([key, member]) => `${encodeString(key)}:${encode(member, depth + 1)}`)
    .join(',')}}`;
}

function encodeString(text: string): string {
  if (!text.isWellFormed()) throw new TypeError('a lone surrogate has no UTF-8');
  return JSON.stringify(text);
}

export type JsonCode =
  | 'json-invalid'
  | 'json-depth'
  | 'json-duplicate-key'
  | 'json-forbidden-key'
  | 'json-number'
  | 'json-surrogate';

/**
 * Parses JSON into values that `jcs` can encode again (I-JSON, RFC 7493).
 *
 * Refused: bad syntax, more than `depthMax` levels, a member named twice, the member name
 * `__proto__` (copying it would change a prototype), a number beyond the doubles, a lone surrogate.
 */
export function parseJson(text: string, depthMax: number = JSON_DEPTH_MAX): Result<Json, JsonCode> {
  const outline = outlineOf(text);
  // Before JSON.parse, whose recursion a deep text could exhaust.
  if (outline.depth > depthMax) return err('json-depth');
  let value: Json;
  try {
    value = JSON.parse(text);
  } catch {
    return err('json-invalid');
  }
  const seen = { members: 0 };
  const fault = faultOf(value, seen);
  if (fault !== null) return err(fault);
  // JSON.parse keeps the last of two equal names, so fewer members come out than stood there.
  if (seen.members !== outline.members) return err('json-duplicate-key');
  return ok(value);
}

/** Levels and members of a JSON text, by its brackets and colons outside of strings. */
function outlineOf(text: string): { depth: number; members: number } {
  let depth = 0;
  let deepest = 0;
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    switch (text.charCodeAt(i)) {
      case 0x22: // "
        i = endOfString(text, i);
        break;
      case 0x5b: // [
      case 0x7b: // {
        depth++;
        deepest = Math.max(deepest, depth);
        break;
      case 0x5d: // ]
      case 0x7d: // }
        depth--;
        break;
      case 0x3a: // :
        members++;
        break;
    }
  }
  return { depth: deepest, members };
}

/** Index of the quote that ends the string which starts at `start`, or the end of the text. */
function endOfString(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit === 0x5c) i++;
    else if (unit === 0x22) return i;
  }
  return text.length;
}

function faultOf(value: Json, seen: { members: number }): JsonCode | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'json-number';
  if (typeof value === 'string') return textFault(value);
  if (typeof value !== 'object' || value === null) return null;
  for (const [key, member] of Object.entries(value)) {
    if (!Array.isArray(value)) {
      seen.members++;
      if (key === '__proto__') return 'json-forbidden-key';
      if (textFault(key) !== null) return 'json-surrogate';
    }
    const fault = faultOf(member, seen);
    if (fault !== null) return fault;
  }
  return null;
}

function textFault(text: string): JsonCode | null {
  return text.isWellFormed() ? null : 'json-surrogate';
}
