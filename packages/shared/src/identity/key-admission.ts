import { Point } from '@noble/ed25519';
import { equalBytes } from '../encoding/bytes.ts';
import { err, ok, type Result } from '../result.ts';

export type KeyCode =
  | 'key-length'
  | 'key-not-canonical'
  | 'key-not-on-curve'
  | 'key-small-order'
  | 'key-torsion';

/**
 * Whether signatures of this public key mean anything. It costs a scalar multiplication
 * (milliseconds), so callers keep the answer.
 *
 * WebCrypto verifies with keys of small order, for which one signature fits every message, and
 * with keys that carry a torsion part, on which verifiers disagree (Chalkias, Garillot,
 * Nikolaenko: "Taming the many EdDSAs", 2020). With what is admitted here they all agree.
 */
export function admitKey(publicKey: Uint8Array): Result<void, KeyCode> {
  if (publicKey.length !== 32) return err('key-length');
  let point: Point;
  try {
    // The lenient reading of ZIP 215 takes y >= p and "minus zero", so that these can be named.
    point = Point.fromBytes(publicKey, true);
  } catch {
    return err('key-not-on-curve');
  }
  if (!equalBytes(point.toBytes(), publicKey)) return err('key-not-canonical');
  if (point.isSmallOrder()) return err('key-small-order');
  if (!point.isTorsionFree()) return err('key-torsion');
  return ok(undefined);
}
