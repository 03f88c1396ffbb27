/** Distance vectors as bytes. Each line: key (32), sequence (4, big-endian), hops (1), signature (64). */
import {
  concat,
  type Did,
  decodeBase64url,
  didFromPublicKey,
  encodeBase64url,
  err,
  ok,
  publicKeyFromDid,
  type Result,
} from '@zerostate/shared';
import { DISTANCES_MAX } from '../limits.ts';
import type { Distance } from './hop-distances.ts';
import { ROUTING_LIMITS } from './limits.ts';

const KEY_BYTES = 32;
const SEQUENCE_AT = KEY_BYTES;
const HOPS_AT = SEQUENCE_AT + 4;
const SIGNATURE_AT = HOPS_AT + 1;
const LINE_BYTES = SIGNATURE_AT + 64;

/** The most that a vector may have. */
export const VECTOR_BYTES_MAX = DISTANCES_MAX * LINE_BYTES;

/** A distance with the destination's own signature of the sequence. */
export interface SignedDistance extends Distance {
  /** 64 bytes as base64url. */
  readonly signature: string;
}

/** The first line is the sender's own; of the others the nearest DISTANCES_MAX - 1 are told. */
export function encodeVector(lines: readonly SignedDistance[]): Uint8Array {
  const [own, ...others] = lines;
  if (own === undefined) return new Uint8Array(0);
  const told =
    lines.length <= DISTANCES_MAX
      ? others
      : others.toSorted((x, y) => x.hops - y.hops).slice(0, DISTANCES_MAX - 1);
  return concat(...[own, ...told].map(encodeLine));
}

/** A vector of `sender`, every field within its bounds; signatures are not looked at. */
export function decodeVector(
  bytes: Uint8Array,
  sender: Did,
): Result<SignedDistance[], 'vector-invalid'> {
  const count = bytes.length / LINE_BYTES;
  if (!Number.isInteger(count) || count < 1 || count > DISTANCES_MAX) {
    return err('vector-invalid', 'length');
  }
  const lines = Array.from({ length: count }, (_, at) =>
    decodeLine(bytes.subarray(at * LINE_BYTES, (at + 1) * LINE_BYTES)),
  );
  if (new Set(lines.map(({ peer }) => peer)).size !== count) return err('vector-invalid', 'twice');
  for (const [at, { peer, hops }] of lines.entries()) {
    const isOwn = at === 0;
    if (isOwn !== (peer === sender) || isOwn !== (hops === 0)) return err('vector-invalid', 'own');
    if (hops >= ROUTING_LIMITS.distanceInfinite) return err('vector-invalid', 'hops');
  }
  return ok(lines);
}

function encodeLine({ peer, sequence, hops, signature }: SignedDistance): Uint8Array {
  const key = publicKeyFromDid(peer);
  const sig = decodeBase64url(signature);
  if (!key.ok || !sig.ok || sig.value.length !== LINE_BYTES - SIGNATURE_AT) {
    throw new TypeError(`not a signed distance: ${peer}`);
  }
  const line = new Uint8Array(LINE_BYTES);
  line.set(key.value);
  new DataView(line.buffer).setUint32(SEQUENCE_AT, sequence);
  line[HOPS_AT] = hops;
  line.set(sig.value, SIGNATURE_AT);
  return line;
}

function decodeLine(line: Uint8Array): SignedDistance {
  return {
    peer: didFromPublicKey(line.subarray(0, KEY_BYTES)),
    sequence: new DataView(line.buffer, line.byteOffset).getUint32(SEQUENCE_AT),
    hops: line[HOPS_AT] ?? 0,
    signature: encodeBase64url(line.subarray(SIGNATURE_AT)),
  };
}
