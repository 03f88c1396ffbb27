/** A set of slots: slot i is bit i & 7 of byte i >> 3, the layout the vector engine reads. */
export type Bitmap = Uint8Array;

/** An empty set for `slots` slots; whole 64-bit words, so that engines may read in words. */
export function bitmapFor(slots: number): Bitmap {
  return new Uint8Array(((slots + 63) >>> 6) << 3);
}

export function hasBit(bits: Bitmap, slot: number): boolean {
  return ((bits[slot >>> 3] ?? 0) & (1 << (slot & 7))) !== 0;
}

export function setBit(bits: Bitmap, slot: number): void {
  bits[slot >>> 3] = (bits[slot >>> 3] ?? 0) | (1 << (slot & 7));
}

export function clearBit(bits: Bitmap, slot: number): void {
  bits[slot >>> 3] = (bits[slot >>> 3] ?? 0) & ~(1 << (slot & 7));
}

function wordsOf({ buffer, byteOffset, byteLength }: Bitmap): Uint32Array {
  return new Uint32Array(buffer, byteOffset, byteLength >>> 2);
}

/** Keeps in `target` what is in `other` too. */
export function intersect(target: Bitmap, other: Bitmap): void {
  const [own, their] = [wordsOf(target), wordsOf(other)];
  for (let i = 0; i < own.length; i++) own[i] = (own[i] ?? 0) & (their[i] ?? 0);
}

/** Adds to `target` what is in `other`. */
export function unite(target: Bitmap, other: Bitmap): void {
  const [own, their] = [wordsOf(target), wordsOf(other)];
  for (let i = 0; i < own.length; i++) own[i] = (own[i] ?? 0) | (their[i] ?? 0);
}

/** How many slots are in the set. */
export function countBits(bits: Bitmap): number {
  const words = wordsOf(bits);
  let total = 0;
  for (let i = 0; i < words.length; i++) {
    let word = words[i] ?? 0;
    word -= (word >>> 1) & 0x55555555;
    word = (word & 0x33333333) + ((word >>> 2) & 0x33333333);
    total += Math.imul((word + (word >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return total;
}

/** Calls `visit` for every slot of the set, in rising order. */
export function eachBit(bits: Bitmap, visit: (slot: number) => void): void {
  for (let i = 0; i < bits.length; i++) {
    for (let byte = bits[i] ?? 0; byte !== 0; byte &= byte - 1) {
      visit((i << 3) + 31 - Math.clz32(byte & -byte));
    }
  }
}
