/**
 * Matrix times tokens: int8 weights with a scale a row, int16 activations with a scale a token.
 *
 * The integer sum is exact in any order, so lanes and tiles cannot change a bit of it:
 * activations are at most 8 191, weights 127, and 127 · 8 191 · 1 536 = 1.60e9 < 2³¹.
 */
import { QUANTISED, QUANTISED_SCALE } from './memory';
import { laneMax, laneSumInt } from './numbers';

const ACTIVATION_MAX: f32 = 8191;
/** Keeps the division defined for a row of zeros. */
const PEAK_MIN: f32 = 1e-12;

@inline
function rounded(at: usize, factor: v128): v128 {
  return i32x4.trunc_sat_f32x4_s(f32x4.nearest(f32x4.mul(v128.load(at), factor)));
}

/** Quantises f32 [tokens][columns] at `from` into QUANTISED. */
export function quantise(from: usize, columns: usize, tokens: usize): void {
  for (let token: usize = 0; token < tokens; token++) {
    const row = from + ((token * columns) << 2);
    const to = QUANTISED + ((token * columns) << 1);
    let peaks = f32x4.splat(0);
    for (let i: usize = 0; i < columns << 2; i += 16) {
      peaks = f32x4.max(peaks, f32x4.abs(v128.load(row + i)));
    }
    const peak = max<f32>(laneMax(peaks), PEAK_MIN);
    store<f32>(QUANTISED_SCALE + (token << 2), peak / ACTIVATION_MAX);
    const factor = f32x4.splat(ACTIVATION_MAX / peak);
    for (let i: usize = 0; i < columns; i += 8) {
      const at = row + (i << 2);
      v128.store(to + (i << 1), i16x8.narrow_i32x4_s(rounded(at, factor), rounded(at + 16, factor)));
    }
  }
}

/** What the loops over rows and tokens share; set once a matrix. */
let scales: usize = 0;
let biases: usize = 0;
let target: usize = 0;
let stride: usize = 0;
let clamps: bool = false;

@inline
function finish(sum: v128, token: usize, row: usize): void {
  const scale = load<f32>(QUANTISED_SCALE + (token << 2)) * load<f32>(scales + (row << 2));
  const value = <f32>laneSumInt(sum) * scale + load<f32>(biases + (row << 2));
  store<f32>(target + ((token * stride + row) << 2), clamps && value < 0 ? 0 : value);
}

/** Adds eight products to four lanes. */
@inline
function dot(sum: v128, activations: v128, weights: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(activations, weights));
}

/**
 * Two rows times four tokens: each load of weights serves four products, of activations two.
 * Sixteen columns a turn, each stream with a pointer of its own: an offset costs nothing.
 */
@inline
function tile4(weights: usize, columns: usize, token: usize, row: usize): void {
  const end = weights + columns;
  let first = weights;
  let second = end;
  let x0 = QUANTISED + ((token * columns) << 1);
  let x1 = x0 + (columns << 1);
  let x2 = x1 + (columns << 1);
  let x3 = x2 + (columns << 1);
  let a0 = i32x4.splat(0); let a1 = a0; let a2 = a0; let a3 = a0;
  let b0 = a0; let b1 = a0; let b2 = a0; let b3 = a0;
  while (first < end) {
    let a = v128.load_ext<i8>(first);
    let b = v128.load_ext<i8>(second);
    let t = v128.load(x0);
    a0 = dot(a0, t, a); b0 = dot(b0, t, b);
    t = v128.load(x1);
    a1 = dot(a1, t, a); b1 = dot(b1, t, b);
    t = v128.load(x2);
    a2 = dot(a2, t, a); b2 = dot(b2, t, b);
    t = v128.load(x3);
    a3 = dot(a3, t, a); b3 = dot(b3, t, b);
    a = v128.load_ext<i8>(first, 8);
    b = v128.load_ext<i8>(second, 8);
    t = v128.load(x0, 16);
    a0 = dot(a0, t, a); b0 = dot(b0, t, b);
    t = v128.load(x1, 16);
    a1 = dot(a1, t, a); b1 = dot(b1, t, b);
    t = v128.load(x2, 16);
    a2 = dot(a2, t, a); b2 = dot(b2, t, b);
    t = v128.load(x3, 16);
    a3 = dot(a3, t, a); b3 = dot(b3, t, b);
    first += 16; second += 16;
    x0 += 32; x1 += 32; x2 += 32; x3 += 32;
  }
  finish(a0, token, row); finish(b0, token, row + 1);
  finish(a1, token + 1, row); finish(b1, token + 1, row + 1);
  finish(a2, token + 2, row); finish(b2, token + 2, row + 1);
  finish(a3, token + 3, row); finish(b3, token + 3, row + 1);
}

@inline
function tile2(weights: usize, columns: usize, token: usize, row: usize): void {
  const x0 = QUANTISED + ((token * columns) << 1);
  const x1 = x0 + (columns << 1);
  let a0 = i32x4.splat(0); let a1 = a0; let b0 = a0; let b1 = a0;
  for (let i: usize = 0; i < columns; i += 8) {
    const a = v128.load_ext<i8>(weights + i);
    const b = v128.load_ext<i8>(weights + columns + i);
    const t0 = v128.load(x0 + (i << 1));
    a0 = dot(a0, t0, a); b0 = dot(b0, t0, b);
    const t1 = v128.load(x1 + (i << 1));
    a1 = dot(a1, t1, a); b1 = dot(b1, t1, b);
  }
  finish(a0, token, row); finish(b0, token, row + 1);
  finish(a1, token + 1, row); finish(b1, token + 1, row + 1);
}

@inline
function tile1(weights: usize, columns: usize, token: usize, row: usize): void {
  const x = QUANTISED + ((token * columns) << 1);
  let a0 = i32x4.splat(0);
  let b0 = a0;
  for (let i: usize = 0; i < columns; i += 8) {
    const t = v128.load(x + (i << 1));
    a0 = dot(a0, t, v128.load_ext<i8>(weights + i));
    b0 = dot(b0, t, v128.load_ext<i8>(weights + columns + i));
  }
  finish(a0, token, row);
  finish(b0, token, row + 1);
}

/**
 * Weights at `matrix`, int8 [rows][columns] with scales and biases behind, times what `quantise`
 * left: f32 [tokens][rows] at `to`, negative values zeroed with `relu`. Rows are even.
 */
export function multiply(
  matrix: usize, columns: usize, rows: usize, tokens: usize, to: usize, relu: bool,
): void {
  scales = matrix + rows * columns;
  biases = scales + (rows << 2);
  target = to;
  stride = rows;
  clamps = relu;
  for (let row: usize = 0; row < rows; row += 2) {
    const weights = matrix + row * columns;
    let token: usize = 0;
    for (; token + 4 <= tokens; token += 4) tile4(weights, columns, token, row);
    if (token + 2 <= tokens) { tile2(weights, columns, token, row); token += 2; }
    if (token < tokens) tile1(weights, columns, token, row);
  }
}
