/** Signatures that some verifier somewhere accepts, made from honest ones. */
import { Point } from '@noble/ed25519';
import { createSigner, createVerifier, type Verifier } from '@zerostate/shared';
import { type Checks, seeded } from './check.ts';

const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
/** A point of order 8: adding it to R or A leaves the cofactored equation true. */
const TORSION = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');

type Forger = { did: string; scalar: bigint; publicKey: Uint8Array; message: Uint8Array; sign: () => Promise<Uint8Array> };

/** `count` of each kind; every bit of a signature and of its message flipped once. */
export async function checkForgeries(checks: Checks, count: number): Promise<void> {
  const verifier = createVerifier();
  for (let i = 0; i < count; i++) {
    const forger = await createForger(`forger ${i}`);
    const signature = await forger.sign();
    checks.that(`honest ${i}`, await verifier.verify(forger.did, forger.message, signature));
    await refused(checks, `S + L ${i}`, verifier, forger, addOrder(signature));
    const times = BigInt(1 + (i % 7));
    await refused(checks, `torsioned R ${i}`, verifier, forger, await torsioned(forger, times));
    await refused(checks, `neutral R ${i}`, verifier, forger, await neutral(forger));
  }
  await checkBitFlips(checks, verifier);
}

async function refused(
  checks: Checks,
  name: string,
  verifier: Verifier,
  forger: Forger,
  signature: Uint8Array,
): Promise<void> {
  checks.equal(name, await verifier.verify(forger.did, forger.message, signature), false);
}

async function createForger(label: string): Promise<Forger> {
  const seed = await seeded(label, 32);
  const signer = await createSigner(seed);
  // RFC 8032 section 5.1.5: the lower half of the seed's hash, clamped, is the secret scalar.
  const half = (await sha512(seed)).slice(0, 32);
  half[0] = (half[0] ?? 0) & 0xf8;
  half[31] = ((half[31] ?? 0) & 0x7f) | 0x40;
  const scalar = littleEndian(half) % ORDER;
  const message = await seeded(`${label} message`, 40);
  const publicKey = Point.BASE.multiply(scalar, false).toBytes();
  return { did: signer.did, scalar, publicKey, message, sign: () => signer.sign(message) };
}

/** The same R with S + L: true for a verifier that does not bound S. */
function addOrder(signature: Uint8Array): Uint8Array {
  const scalar = littleEndian(signature.subarray(32)) + ORDER;
  return Uint8Array.of(...signature.subarray(0, 32), ...toBytes(scalar));
}

/** R plus a torsion point and the S that belongs to it: true for the cofactored equation. */
async function torsioned(forger: Forger, times: bigint): Promise<Uint8Array> {
  const r = littleEndian(await seeded(`nonce ${forger.did}`, 32)) % ORDER;
  const torsion = TORSION.multiply(times, false);
  return finish(forger, Point.BASE.multiply(r, false).add(torsion).toBytes(), r);
}

/** R as the neutral element: true for both equations, made only by somebody who holds the key. */
function neutral(forger: Forger): Promise<Uint8Array> {
  return finish(forger, Point.ZERO.toBytes(), 0n);
}

async function finish(forger: Forger, R: Uint8Array, r: bigint): Promise<Uint8Array> {
  const challenge = await sha512(Uint8Array.of(...R, ...forger.publicKey, ...forger.message));
  const s = (r + littleEndian(challenge) * forger.scalar) % ORDER;
  return Uint8Array.of(...R, ...toBytes(s));
}

async function checkBitFlips(checks: Checks, verifier: Verifier): Promise<void> {
  const forger = await createForger('bit flips');
  const signature = await forger.sign();
  for (let bit = 0; bit < 512; bit++) {
    await refused(checks, `signature bit ${bit}`, verifier, forger, flipped(signature, bit));
  }
  for (let bit = 0; bit < 8 * forger.message.length; bit++) {
    const message = flipped(forger.message, bit);
    const valid = await verifier.verify(forger.did, message, signature);
    checks.equal(`message bit ${bit}`, valid, false);
  }
}

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice();
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return copy;
}

async function sha512(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-512', new Uint8Array(bytes)));
}

function littleEndian(bytes: Uint8Array): bigint {
  return bytes.reduceRight((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

function toBytes(value: bigint): Uint8Array {
  return Uint8Array.from({ length: 32 }, (_, i) => Number((value >> BigInt(8 * i)) & 0xffn));
}
