/**
 * Matrix times tokens: int8 weights with a scale a row, int16 activations with a scale a token.
 *
 * The integer sum is exact in any order, so lanes and tiles cannot change a bit of it:
 * activations are at most 8 191, weights 127, and 127 · 8 191 · 1 536 = 1.60e9 < 2³¹.
 *
 * Weights are interleaved (`interleave.ts`), so a lane stands for a row: there are no sums over
 * lanes, and a matrix is read once, from its begin to its end, for all tokens.
 */
import { BLOCK } from './interleave';
import { HIDDEN, QUANTISED, QUANTISED_SCALE } from './memory';
import { laneMax } from './numbers';

const ACTIVATION_MAX: f32 = 8191;
/** Keeps the division defined for a row of zeros. */
const PEAK_MIN: f32 = 1e-12;
/** Bytes from token to token in QUANTISED, however many columns: tiles reach them by offsets. */
const STRIDE: usize = HIDDEN * 2;
/** Tokens of a full tile: two sums each, and a sixth would leave no register. */
const TILE: usize = 5;
/** 1.5 · 2²³, where the last bit of an f32 counts ones, and its bits. */
const ONES: f32 = 12582912;
const ONES_BITS: i32 = 0x4b400000;

/** Four nearest integers, halves to the even one: cheaper so than by `nearest` and `trunc_sat`. */
@inline
function rounded(at: usize, factor: v128): v128 {
  const shifted = f32x4.add(f32x4.mul(v128.load(at), factor), f32x4.splat(ONES));
  return i32x4.sub(shifted, i32x4.splat(ONES_BITS));
}

/** Quantises f32 [tokens][columns] at `from` into QUANTISED. */
export function quantise(from: usize, columns: usize, tokens: usize): void {
  for (let token: usize = 0; token < tokens; token++) {
    const row = from + ((token * columns) << 2);
    const to = QUANTISED + token * STRIDE;
    let even = f32x4.splat(0);
    let odd = even;
    for (let i: usize = 0; i < columns << 2; i += 32) {
      even = f32x4.pmax(even, f32x4.abs(v128.load(row + i)));
      odd = f32x4.pmax(odd, f32x4.abs(v128.load(row + i, 16)));
    }
    const peak = max<f32>(laneMax(f32x4.pmax(even, odd)), PEAK_MIN);
    store<f32>(QUANTISED_SCALE + (token << 2), peak / ACTIVATION_MAX);
    const factor = f32x4.splat(ACTIVATION_MAX / peak);
    for (let i: usize = 0; i < columns; i += 8) {
      const at = row + (i << 2);
      v128.store(to + (i << 1), i16x8.narrow_i32x4_s(rounded(at, factor), rounded(at + 16, factor)));
    }
  }
}

/** What the loops over blocks and tokens share; set once a matrix. */
let scales: usize = 0;
let biases: usize = 0;
let target: usize = 0;
let width: usize = 0;
let least: f32 = 0;

/** Four rows of one token. */
@inline
function finish(sum: v128, token: usize, row: usize): void {
  const tokenScale = v128.load32_splat(QUANTISED_SCALE + (token << 2));
  const scale = f32x4.mul(tokenScale, v128.load(scales + (row << 2)));
  const product = f32x4.mul(f32x4.convert_i32x4_s(sum), scale);
  const value = f32x4.add(product, v128.load(biases + (row << 2)));
  v128.store(target + ((token * width + row) << 2), f32x4.pmax(f32x4.splat(least), value));
}

/** Adds two products to each of four lanes. */
@inline
function dot(sum: v128, activations: v128, weights: v128): v128 {
  return i32x4.add(sum, i32x4.dot_i16x8_s(activations, weights));
}

/**
 * A block of rows times `count` tokens, a constant from 1 to TILE. Each load of weights serves all
 * tokens, and each pair of activations is spread over the lanes of both halves of the block.
 */
@inline
function tile(count: usize, weights: usize, columns: usize, token: usize, row: usize): void {
  const end = weights + BLOCK * columns;
  let x = QUANTISED + token * STRIDE;
  let a0 = i32x4.splat(0); let a1 = a0; let a2 = a0; let a3 = a0; let a4 = a0;
  let b0 = a0; let b1 = a0; let b2 = a0; let b3 = a0; let b4 = a0;
  while (weights < end) {
    const a = v128.load_ext<i8>(weights);
    const b = v128.load_ext<i8>(weights, 8);
    let t = v128.load32_splat(x);
    a0 = dot(a0, t, a); b0 = dot(b0, t, b);
    if (count > 1) { t = v128.load32_splat(x, STRIDE); a1 = dot(a1, t, a); b1 = dot(b1, t, b); }
    if (count > 2) { t = v128.load32_splat(x, 2 * STRIDE); a2 = dot(a2, t, a); b2 = dot(b2, t, b); }
    if (count > 3) { t = v128.load32_splat(x, 3 * STRIDE); a3 = dot(a3, t, a); b3 = dot(b3, t, b); }
    if (count > 4) { t = v128.load32_splat(x, 4 * STRIDE); a4 = dot(a4, t, a); b4 = dot(b4, t, b); }
    weights += 2 * BLOCK;
    x += 4;
  }
  finish(a0, token, row); finish(b0, token, row + 4);
  if (count > 1) { finish(a1, token + 1, row); finish(b1, token + 1, row + 4); }
  if (count > 2) { finish(a2, token + 2, row); finish(b2, token + 2, row + 4); }
  if (count > 3) { finish(a3, token + 3, row); finish(b3, token + 3, row + 4); }
  if (count > 4) { finish(a4, token + 4, row); finish(b4, token + 4, row + 4); }
}

/**
 * Interleaved weights at `matrix`, int8 [rows][columns] with scales and biases behind, times what
 * `quantise` left: f32 [tokens][rows] at `to`, negative values zeroed with `relu`.
 */
export function multiply(
  matrix: usize, columns: usize, rows: usize, tokens: usize, to: usize, relu: bool,
): void {
  scales = matrix + rows * columns;
  biases = scales + (rows << 2);
  target = to;
  width = rows;
  least = relu ? 0 : -Infinity;
  for (let row: usize = 0; row < rows; row += BLOCK) {
    const weights = matrix + row * columns;
    let token: usize = 0;
    for (; token + TILE <= tokens; token += TILE) tile(TILE, weights, columns, token, row);
    const left = tokens - token;
    if (left == 4) tile(4, weights, columns, token, row);
    else if (left == 3) tile(3, weights, columns, token, row);
    else if (left == 2) tile(2, weights, columns, token, row);
    else if (left == 1) tile(1, weights, columns, token, row);
  }
}
