import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Checksum } from './checksum.ts';

function sumOf(parts: readonly Uint8Array[]): string {
  const checksum = new Checksum();
  for (const part of parts) checksum.update(part);
  return checksum.digest();
}

const bytes = fc.uint8Array({ maxLength: 300, size: 'max' });

test('a checksum is the same however a stream is cut and wherever it lies in memory', () => {
  fc.assert(
    fc.property(bytes, fc.array(fc.nat(300), { maxLength: 6 }), fc.nat(7), (all, cuts, offset) => {
      const moved = new Uint8Array(all.length + offset);
      moved.set(all, offset);
      const borders = [0, ...cuts.map((cut) => cut % (all.length + 1)), all.length];
      borders.sort((a, b) => a - b);
      const parts = borders
        .slice(1)
        .map((end, i) => moved.subarray(offset + (borders[i] ?? 0), offset + end));
      expect(sumOf(parts)).toBe(sumOf([all]));
    }),
  );
});

test('any one wrong bit has another checksum', () => {
  const all = Uint8Array.from({ length: 75 }, (_, i) => (i * 37) & 255);
  const right = sumOf([all]);
  for (let at = 0; at < all.length * 8; at++) {
    const bad = all.slice();
    bad[at >> 3] = (bad[at >> 3] ?? 0) ^ (1 << (at & 7));
    expect(sumOf([bad])).not.toBe(right);
  }
});

test('a stream longer by zeros has another checksum', () => {
  fc.assert(
    fc.property(bytes, fc.integer({ min: 1, max: 40 }), (all, zeros) => {
      const longer = new Uint8Array(all.length + zeros);
      longer.set(all);
      expect(sumOf([longer])).not.toBe(sumOf([all]));
    }),
  );
});
