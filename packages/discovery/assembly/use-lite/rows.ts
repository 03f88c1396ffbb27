/** Operations on f32 rows: norms, sums and means. */
import { laneSum } from './numbers';

const EPSILON: f32 = 1e-6;

/** Layer norm of [tokens][width] at `from` into `to`; gain and bias at `norm`. */
export function normalise(from: usize, norm: usize, width: usize, tokens: usize, to: usize): void {
  const bytes = width << 2;
  for (let token: usize = 0; token < tokens; token++) {
    const row = from + token * bytes;
    let sum = f32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) sum = f32x4.add(sum, v128.load(row + i));
    const mean = f32x4.splat(laneSum(sum) / <f32>width);
    let squares = f32x4.splat(0);
    for (let i: usize = 0; i < bytes; i += 16) {
      const off = f32x4.sub(v128.load(row + i), mean);
      squares = f32x4.add(squares, f32x4.mul(off, off));
    }
    const variance = laneSum(squares) / <f32>width;
    const inverse = f32x4.splat(<f32>1 / sqrt<f32>(variance + EPSILON));
    for (let i: usize = 0; i < bytes; i += 16) {
      const gain = f32x4.mul(v128.load(norm + i), inverse);
      const off = f32x4.sub(v128.load(row + i), mean);
      v128.store(to + token * bytes + i, f32x4.add(f32x4.mul(gain, off), v128.load(norm + bytes + i)));
    }
  }
}

/** Adds `values` f32 at `from` to those at `to`. */
export function addTo(to: usize, from: usize, values: usize): void {
  for (let i: usize = 0; i < values << 2; i += 16) {
    v128.store(to + i, f32x4.add(v128.load(to + i), v128.load(from + i)));
  }
}

/** Mean over tokens of [tokens][width] at `from`. */
export function meanOf(from: usize, width: usize, tokens: usize, to: usize): void {
  const share = f32x4.splat(<f32>1 / <f32>tokens);
  for (let i: usize = 0; i < width << 2; i += 16) {
    let sum = f32x4.splat(0);
    for (let token: usize = 0; token < tokens; token++) {
      sum = f32x4.add(sum, v128.load(from + token * (width << 2) + i));
    }
    v128.store(to + i, f32x4.mul(sum, share));
  }
}

/** Divides `width` f32 at `at` by their length; zeros stay. */
export function makeUnit(at: usize, width: usize): void {
  let squares = f32x4.splat(0);
  for (let i: usize = 0; i < width << 2; i += 16) {
    const value = v128.load(at + i);
    squares = f32x4.add(squares, f32x4.mul(value, value));
  }
  const square = laneSum(squares);
  if (square == 0) return;
  const inverse = f32x4.splat(<f32>1 / sqrt<f32>(square));
  for (let i: usize = 0; i < width << 2; i += 16) {
    v128.store(at + i, f32x4.mul(v128.load(at + i), inverse));
  }
}
