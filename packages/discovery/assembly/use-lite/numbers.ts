/**
 * Arithmetic that is the same bits on every engine: + − × ÷, square root, rounding and integers,
 * each exact by IEEE 754 and the WebAssembly specification. No `Math`, whose functions differ
 * between engines, and no relaxed SIMD. Sums over lanes have one order.
 */

@inline
export function laneSum(v: v128): f32 {
  return (f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1)) +
    (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3));
}

@inline
export function laneMax(v: v128): f32 {
  return max<f32>(
    max<f32>(f32x4.extract_lane(v, 0), f32x4.extract_lane(v, 1)),
    max<f32>(f32x4.extract_lane(v, 2), f32x4.extract_lane(v, 3)),
  );
}

@inline
function step(sum: v128, x: v128, coefficient: f32): v128 {
  return f32x4.add(f32x4.mul(sum, x), f32x4.splat(coefficient));
}

/** eˣ of four lanes by the polynomial of Cephes `expf`; x is clamped to ±87. */
@inline
export function exp4(value: v128): v128 {
  const x = f32x4.min(f32x4.max(value, f32x4.splat(-87)), f32x4.splat(87));
  const power = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  // x − power·ln 2, with ln 2 in two parts so that the first product is exact.
  const high = f32x4.sub(x, f32x4.mul(power, f32x4.splat(0.693359375)));
  const rest = f32x4.sub(high, f32x4.mul(power, f32x4.splat(-2.12194440e-4)));
  let sum = f32x4.splat(1.9875691500e-4);
  sum = step(sum, rest, 1.3981999507e-3);
  sum = step(sum, rest, 8.3334519073e-3);
  sum = step(sum, rest, 4.1665795894e-2);
  sum = step(sum, rest, 1.6666665459e-1);
  sum = step(sum, rest, 5.0000001201e-1);
  sum = f32x4.add(f32x4.mul(sum, f32x4.mul(rest, rest)), rest);
  sum = f32x4.add(sum, f32x4.splat(1));
  const exponent = i32x4.add(i32x4.trunc_sat_f32x4_s(power), i32x4.splat(127));
  return f32x4.mul(sum, i32x4.shl(exponent, 23));
}

/** tanh x = 1 − 2 ÷ (e²ˣ + 1). */
@inline
export function tanh4(x: v128): v128 {
  const one = f32x4.splat(1);
  const two = f32x4.splat(2);
  return f32x4.sub(one, f32x4.div(two, f32x4.add(exp4(f32x4.mul(x, two)), one)));
}
