/**
 * Distance vectors as bytes. Each line: key (32), round (4, big-endian), its place in its chain (1),
 * hops (1), the round's value (16), and, when the highest bit of hops is set, the signature of the
 * chain (64).
 */
import { type Did, err, ok, type Result } from '@zerostate/shared';
import { DISTANCES_MAX } from '../limits.ts';
import type { Distance } from './hop-distances.ts';
import type { KeyNames } from './key-names.ts';
import { ROUTING_LIMITS } from './limits.ts';
import { KEY_BYTES, VALUE_BYTES } from './round-chain.ts';

const ROUND_AT = KEY_BYTES;
const PLACE_AT = ROUND_AT + 4;
const HOPS_AT = PLACE_AT + 1;
const VALUE_AT = HOPS_AT + 1;
const LINE_BYTES = VALUE_AT + VALUE_BYTES;
export const SIGNATURE_BYTES = 64;
const IS_SIGNED = 0x80;

/** The most that a vector may have. */
export const VECTOR_BYTES_MAX = DISTANCES_MAX * (LINE_BYTES + SIGNATURE_BYTES);

/** A distance with what shows that the destination itself had come to that round. */
export interface ProvenDistance extends Distance {
  /** The first round of its chain. */
  readonly first: number;
  readonly value: Uint8Array;
  /** The chain's, where the listener may not have it. */
  readonly signature: Uint8Array | null;
}

/** What a vector has room for: the sender's own line, at 0 hops, and the nearest of the others. */
export function nearest(lines: readonly Distance[]): readonly Distance[] {
  if (lines.length <= DISTANCES_MAX) return lines;
  return lines.toSorted((x, y) => x.hops - y.hops).slice(0, DISTANCES_MAX);
}

/** The first line is the sender's own; DISTANCES_MAX lines at most. */
export function encodeVector(lines: readonly ProvenDistance[], names: KeyNames): Uint8Array {
  const bytes = new Uint8Array(lines.reduce((sum, line) => sum + lengthOf(line), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const line of lines) {
    bytes.set(names.key(line.peer), at);
    view.setUint32(at + ROUND_AT, line.sequence);
    bytes[at + PLACE_AT] = line.sequence - line.first;
    bytes[at + HOPS_AT] = line.hops | (line.signature === null ? 0 : IS_SIGNED);
    bytes.set(line.value, at + VALUE_AT);
    if (line.signature !== null) bytes.set(line.signature, at + LINE_BYTES);
    at += lengthOf(line);
  }
  return bytes;
}

/** A vector of `sender`, every field within its bounds; values and signatures are not looked at. */
export function decodeVector(
  bytes: Uint8Array,
  sender: Did,
  names: KeyNames,
): Result<ProvenDistance[], 'vector-invalid'> {
  const lines: ProvenDistance[] = [];
  const named = new Set<Did>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  while (at < bytes.length) {
    const flags = bytes[at + HOPS_AT] ?? 0;
    const end = at + LINE_BYTES + ((flags & IS_SIGNED) === 0 ? 0 : SIGNATURE_BYTES);
    if (end > bytes.length || lines.length === DISTANCES_MAX)
      return err('vector-invalid', 'length');
    const peer = names.did(view, at);
    const sequence = view.getUint32(at + ROUND_AT);
    const first = sequence - (bytes[at + PLACE_AT] ?? 0);
    const hops = flags & ~IS_SIGNED;
    const isOwn = at === 0;
    if (isOwn !== (peer === sender) || isOwn !== (hops === 0)) return err('vector-invalid', 'own');
    if (hops >= ROUTING_LIMITS.distanceInfinite) return err('vector-invalid', 'hops');
    if (first < 0) return err('vector-invalid', 'place');
    if (named.has(peer)) return err('vector-invalid', 'twice');
    named.add(peer);
    // Copies: what is kept of a line must not keep the whole vector.
    const value = bytes.slice(at + VALUE_AT, at + LINE_BYTES);
    const signature = end === at + LINE_BYTES ? null : bytes.slice(at + LINE_BYTES, end);
    lines.push({ peer, sequence, hops, first, value, signature });
    at = end;
  }
  return lines.length === 0 ? err('vector-invalid', 'length') : ok(lines);
}

function lengthOf({ signature }: ProvenDistance): number {
  return LINE_BYTES + (signature === null ? 0 : SIGNATURE_BYTES);
}
