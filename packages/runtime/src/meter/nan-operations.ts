/**
 * The bits of a NaN that arithmetic makes are not determined (core spec 4.3.3); engines and their
 * tiers differ. They are made canonical, but only where something can tell: a value that goes on
 * into arithmetic, a comparison or a truncation is the same whatever its payload.
 */
export const Lanes = { none: 0, f32: 1, f64: 2, f32x4: 3, f64x2: 4 } as const;

/** Shape of an instruction's arithmetic result; `none` for those that are exact in all bits. */
export function arithmeticLanes(op: number): number {
  return produces[op] ?? Lanes.none;
}

/** Shape in which an instruction looks at its operands as numbers only; else `none`. */
export function numericLanes(op: number): number {
  return consumes[op] ?? Lanes.none;
}

/** Conversions from integers: floats, but never a NaN. */
export function neverNan(op: number): boolean {
  return (op >= 0xb2 && op <= 0xb5) || (op >= 0xb7 && op <= 0xba);
}

const produces = new Uint8Array(0x300);
const consumes = new Uint8Array(0x300);

function lay(table: Uint8Array, lanes: number, ranges: readonly (readonly number[])[]): void {
  for (const [first = 0, last = first] of ranges) table.fill(lanes, first, last + 1);
}

// Rounding, square root, + - * / min max, and demotion or promotion of the other width.
lay(produces, Lanes.f32, [[0x8d, 0x97], [0xb6]]);
lay(produces, Lanes.f64, [[0x9b, 0xa5], [0xbb]]);
lay(produces, Lanes.f32x4, [
  [0x25e], // f32x4.demote_f64x2_zero
  [0x267, 0x26a], // ceil, floor, trunc, nearest
  [0x2e3, 0x2e9], // sqrt, add, sub, mul, div, min, max
]);
lay(produces, Lanes.f64x2, [
  [0x25f], // f64x2.promote_low_f32x4
  [0x274, 0x275], // ceil, floor
  [0x27a], // trunc
  [0x294], // nearest
  [0x2ef, 0x2f5],
]);
// Arithmetic, comparisons, truncations to integers.
lay(consumes, Lanes.f32, [
  [0x5b, 0x60],
  [0x8d, 0x97],
  [0xa8, 0xa9],
  [0xae, 0xaf],
  [0xbb],
  [0x100, 0x101],
  [0x104, 0x105],
]);
lay(consumes, Lanes.f64, [
  [0x61, 0x66],
  [0x9b, 0xa5],
  [0xaa, 0xab],
  [0xb0, 0xb1],
  [0xb6],
  [0x102, 0x103],
  [0x106, 0x107],
]);
lay(consumes, Lanes.f32x4, [
  [0x241, 0x246],
  [0x25f],
  [0x267, 0x26a],
  [0x2e3, 0x2e9],
  [0x2f8, 0x2f9],
]);
lay(consumes, Lanes.f64x2, [
  [0x247, 0x24c],
  [0x25e],
  [0x274, 0x275],
  [0x27a],
  [0x294],
  [0x2ef, 0x2f5],
  [0x2fc, 0x2fd],
]);
