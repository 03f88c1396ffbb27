import { BODY_BYTES_MAX, BODY_DEPTH_MAX } from '../limits.ts';
import { err, ok, type Result } from '../result.ts';
import { fromUtf8, utf8 } from './bytes.ts';

/** The restricted shape of every signed body: no number, null or boolean has two spellings here. */
export type StrictValue = string | readonly string[] | StrictObject;
export type StrictObject = { readonly [key: string]: StrictValue };

export type StrictCode =
  | 'strict-shape'
  | 'strict-key'
  | 'strict-text'
  | 'strict-depth'
  | 'strict-size'
  | 'strict-syntax'
  | 'strict-not-canonical';

const KEY = /^[\x21-\x7e]{1,128}$/;

/**
 * RFC 8785 bytes of a body of the restricted shape: objects of strings, arrays of strings and
 * objects. Keys are printable ASCII; the body itself is level 1 of its depth. `detail` is the path of the refused member.
 */
export function strict(value: unknown): Result<Uint8Array, StrictCode> {
  if (!isPlainObject(value)) return err('strict-shape', '$');
  const text = encodeObject(value, '$', 1);
  if (!text.ok) return text;
  if (text.value.length > BODY_BYTES_MAX) return err('strict-size', '$');
  const bytes = utf8(text.value);
  return bytes.length > BODY_BYTES_MAX ? err('strict-size', '$') : ok(bytes);
}

function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function encodeObject(
  value: Record<string, unknown>,
  path: string,
  depth: number,
): Result<string, StrictCode> {
  if (depth > BODY_DEPTH_MAX) return err('strict-depth', path);
  const members: string[] = [];
  // ASCII keys: the order of UTF-16 units, of code points and of bytes is the same.
  for (const key of Object.keys(value).sort(byUnits)) {
    if (!KEY.test(key) || key === '__proto__') return err('strict-key', path);
    const member = encodeMember(value[key], `${path}.${key}`, depth + 1);
    if (!member.ok) return member;
    members.push(`${JSON.stringify(key)}:${member.value}`);
  }
  return ok(`{${members.join(',')}}`);
}

function byUnits(x: string, y: string): number {
  return x < y ? -1 : x > y ? 1 : 0;
}

function encodeMember(value: unknown, path: string, depth: number): Result<string, StrictCode> {
  if (typeof value === 'string') return encodeText(value, path);
  if (isPlainObject(value)) return encodeObject(value, path, depth);
  if (!Array.isArray(value)) return err('strict-shape', path);
  if (depth > BODY_DEPTH_MAX) return err('strict-depth', path);
  const items: string[] = [];
  for (const [i, item] of Array.from<unknown>(value).entries()) {
    if (typeof item !== 'string') return err('strict-shape', `${path}[${i}]`);
    const text = encodeText(item, `${path}[${i}]`);
    if (!text.ok) return text;
    items.push(text.value);
  }
  return ok(`[${items.join(',')}]`);
}

function encodeText(text: string, path: string): Result<string, StrictCode> {
  return text.isWellFormed() ? ok(JSON.stringify(text)) : err('strict-text', path);
}

/**
 * Reads a body and demands that its bytes are the canonical ones: what was signed is what stands
 * there. Duplicate members, other orders, spaces and escapes all fail the comparison.
 */
export function parseStrict(input: Uint8Array | string): Result<StrictObject, StrictCode> {
  // Before any work on the text: neither a long nor a deep one may cost more than this.
  if (input.length > BODY_BYTES_MAX) return err('strict-size', '$');
  const text = typeof input === 'string' ? ok(input) : fromUtf8(input);
  if (!text.ok) return err('strict-syntax', 'utf-8');
  if (!text.value.isWellFormed()) return err('strict-text', '$');
  let value: unknown;
  try {
    value = JSON.parse(text.value);
  } catch {
    return err('strict-syntax');
  }
  const bytes = strict(value);
  if (!bytes.ok) return bytes;
  const canonical = fromUtf8(bytes.value);
  if (!canonical.ok || canonical.value !== text.value) return err('strict-not-canonical');
  // Checked border: strict() has just proved the shape.
  return ok(value as StrictObject);
}
