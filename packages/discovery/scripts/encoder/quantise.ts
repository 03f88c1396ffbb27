/** From f32 weights to int8: one scale a row, with eight or four bits of storage. */
import { GROUP_BYTES, GROUP_WEIGHTS } from '../../src/embed/use-lite/image.ts';
import { unpacked } from './unpacked.ts';

export interface Quantised {
  /** Int8 [rows][columns], or the same packed. */
  readonly weights: Uint8Array<ArrayBuffer>;
  /** What the int8 are to be multiplied by, a row. */
  readonly scales: Float32Array<ArrayBuffer>;
}

export interface Matrix {
  readonly rows: number;
  readonly columns: number;
  /** [rows][columns]. */
  readonly values: Float32Array;
}

const EIGHT_MAX = 127;
/** 7 · 18: the greatest nibble times the greatest multiplier, within int8. */
const FOUR_MAX = 126;
const MULTIPLIER_MAX = 18;
const NIBBLE_MAX = 7;
const SCALE_MIN = 1e-12;

/** [columns][rows] to [rows][columns]: the kernel reads weights row by row. */
export function transposed(values: Float32Array, rows: number, columns: number): Matrix {
  const turned = new Float32Array(values.length);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      turned[row * columns + column] = values[column * rows + row] ?? 0;
    }
  }
  return { rows, columns, values: turned };
}

/** Each row divided by its peak ÷ 127 and rounded, halves to even. */
export function toEight({ rows, columns, values }: Matrix): Quantised {
  const weights = new Int8Array(rows * columns);
  const scales = new Float32Array(rows);
  for (let row = 0; row < rows; row++) {
    const of = values.subarray(row * columns, (row + 1) * columns);
    const scale = scaleOf(of, EIGHT_MAX);
    scales[row] = scale;
    of.forEach((value, i) => {
      const quotient = rounded(value / scale);
      weights[row * columns + i] = Math.max(-EIGHT_MAX, Math.min(EIGHT_MAX, quotient));
    });
  }
  return { weights: new Uint8Array(weights.buffer), scales };
}

/** The same with four bits: each group of 32 takes the multiplier with the least square error. */
export function toFour({ rows, columns, values }: Matrix): Quantised {
  const groups = (rows * columns) / GROUP_WEIGHTS;
  const weights = new Uint8Array(groups * GROUP_BYTES);
  const scales = new Float32Array(rows);
  const wanted = new Float64Array(GROUP_WEIGHTS);
  for (let row = 0; row < rows; row++) {
    scales[row] = scaleOf(values.subarray(row * columns, (row + 1) * columns), FOUR_MAX);
  }
  for (let group = 0; group < groups; group++) {
    const start = group * GROUP_WEIGHTS;
    const scale = scales[Math.floor(start / columns)] ?? 1;
    for (let i = 0; i < GROUP_WEIGHTS; i++) wanted[i] = (values[start + i] ?? 0) / scale;
    pack(wanted, weights.subarray(group * GROUP_BYTES, (group + 1) * GROUP_BYTES));
  }
  return { weights, scales };
}

/** What rounding left: the values less what stands for them. */
export function rest({ rows, columns, values }: Matrix, { weights, scales }: Quantised): Matrix {
  const packed = weights.length < values.length;
  const rounded = new Int8Array((packed ? unpacked(weights) : weights).buffer);
  const left = values.map(
    (value, at) => value - (rounded[at] ?? 0) * (scales[Math.floor(at / columns)] ?? 0),
  );
  return { rows, columns, values: left };
}

function pack(wanted: Float64Array, into: Uint8Array): void {
  let best = 1;
  let least = Number.POSITIVE_INFINITY;
  for (let multiplier = 1; multiplier <= MULTIPLIER_MAX; multiplier++) {
    let error = 0;
    for (const value of wanted) error += (nibble(value, multiplier) * multiplier - value) ** 2;
    if (error >= least) continue;
    least = error;
    best = multiplier;
  }
  for (let i = 0; i < GROUP_WEIGHTS; i += 2) {
    const low = nibble(wanted[i] ?? 0, best) + 8;
    const high = nibble(wanted[i + 1] ?? 0, best) + 8;
    into[i >> 1] = low | (high << 4);
  }
  into[GROUP_WEIGHTS / 2] = best;
}

function nibble(value: number, multiplier: number): number {
  return Math.max(-NIBBLE_MAX, Math.min(NIBBLE_MAX, rounded(value / multiplier)));
}

function scaleOf(row: Float32Array, limit: number): number {
  let peak = 0;
  for (const value of row) peak = Math.max(peak, Math.abs(value));
  return Math.fround(Math.max(peak / limit, SCALE_MIN));
}

/** The nearest integer, halves to the even one. */
function rounded(value: number): number {
  const floor = Math.floor(value);
  const above = value - floor;
  if (above !== 0.5) return above < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}
