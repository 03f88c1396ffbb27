/**
 * Attention of four heads over all tokens of a chunk, without a mask: a chunk has no padding.
 * HEADS holds, for each token, queries, keys and values, each as four heads of `size` columns.
 */
import { HEADS, SCORES } from './memory';
import { exp4, laneSum } from './numbers';

const COUNT: usize = 4;
const LEAST: f32 = -1e30;

/** Writes f32 [tokens][4 · size] at `to`; `scale` is size^-½. */
export function attend(tokens: usize, size: usize, scale: f32, to: usize): void {
  const width = COUNT * size * 4;
  for (let head: usize = 0; head < COUNT; head++) {
    const column = head * size * 4;
    for (let token: usize = 0; token < tokens; token++) {
      const query = HEADS + token * 3 * width + column;
      const sum = softmax(tokens, score(tokens, query, HEADS + width + column, size, scale));
      mix(tokens, HEADS + 2 * width + column, size, <f32>1 / sum, to + token * width + column);
    }
  }
}

/** Dot products of one query with all keys into SCORES; returns the greatest. */
@inline
function score(tokens: usize, query: usize, keys: usize, size: usize, scale: f32): f32 {
  const row = size * (3 * 4 * COUNT);
  let greatest = LEAST;
  for (let token: usize = 0; token < tokens; token++) {
    const key = keys + token * row;
    let a = f32x4.splat(0);
    let b = f32x4.splat(0);
    for (let i: usize = 0; i < size << 2; i += 32) {
      a = f32x4.add(a, f32x4.mul(v128.load(query + i), v128.load(key + i)));
      b = f32x4.add(b, f32x4.mul(v128.load(query + i, 16), v128.load(key + i, 16)));
    }
    const value = laneSum(f32x4.add(a, b)) * scale;
    if (value > greatest) greatest = value;
    store<f32>(SCORES + (token << 2), value);
  }
  return greatest;
}

/** Exponentials of SCORES less the greatest, in place; returns their sum. */
@inline
function softmax(tokens: usize, greatest: f32): f32 {
  const whole = (tokens + 3) & ~3;
  for (let token = tokens; token < whole; token++) store<f32>(SCORES + (token << 2), LEAST);
  const shift = f32x4.splat(greatest);
  for (let i: usize = 0; i < whole << 2; i += 16) {
    v128.store(SCORES + i, exp4(f32x4.sub(v128.load(SCORES + i), shift)));
  }
  let sum: f32 = 0;
  for (let token: usize = 0; token < tokens; token++) sum += load<f32>(SCORES + (token << 2));
  return sum;
}

/** Sum of values weighted by SCORES times `factor`, sixteen columns at a time. */
@inline
function mix(tokens: usize, values: usize, size: usize, factor: f32, to: usize): void {
  const row = size * (3 * 4 * COUNT);
  const factors = f32x4.splat(factor);
  for (let i: usize = 0; i < size << 2; i += 64) {
    let a = f32x4.splat(0); let b = a; let c = a; let d = a;
    for (let token: usize = 0; token < tokens; token++) {
      const weight = v128.load32_splat(SCORES + (token << 2));
      const value = values + token * row + i;
      a = f32x4.add(a, f32x4.mul(weight, v128.load(value)));
      b = f32x4.add(b, f32x4.mul(weight, v128.load(value, 16)));
      c = f32x4.add(c, f32x4.mul(weight, v128.load(value, 32)));
      d = f32x4.add(d, f32x4.mul(weight, v128.load(value, 48)));
    }
    v128.store(to + i, f32x4.mul(a, factors));
    v128.store(to + i, f32x4.mul(b, factors), 16);
    v128.store(to + i, f32x4.mul(c, factors), 32);
    v128.store(to + i, f32x4.mul(d, factors), 48);
  }
}
