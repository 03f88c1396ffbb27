// Escape times of z → z² + c, two neighbouring pixels at a time in the lanes of f64x2.

import { View } from './view';

const VIEW_WIDTH_AT_ZOOM_1: f64 = 3.5;

/** Whether c lies in the main cardioid or the period-2 disc, which never escape. */
@inline
function surelyInside(re: f64, im: f64): bool {
  const q = (re - 0.25) * (re - 0.25) + im * im;
  if (q * (q + (re - 0.25)) <= 0.25 * im * im) return true;
  return (re + 1) * (re + 1) + im * im <= 0.0625;
}

/**
 * Steps until |z|² > 4 for the points (re0, im) and (re1, im), at most `limit`: the
 * low and the high 32 bits of the result.
 */
function escapePair(view: View, re0: f64, re1: f64, im: f64): u64 {
  const limit = view.iterations;
  let zr = f64x2.replace_lane(f64x2.splat(re0), 1, re1);
  let zi = f64x2.splat(im);
  const cr = view.julia ? f64x2.splat(view.juliaRe) : zr;
  const ci = view.julia ? f64x2.splat(view.juliaIm) : zi;
  const four = f64x2.splat(4);
  let counts = i64x2.splat(0);
  for (let n = 0; n < limit; n++) {
    const rr = f64x2.mul(zr, zr);
    const ii = f64x2.mul(zi, zi);
    const bounded = f64x2.le(f64x2.add(rr, ii), four);
    if (!v128.any_true(bounded)) break;
    // A true lane is -1. An escaped one stays out: it grows, to infinity or NaN.
    counts = i64x2.sub(counts, bounded);
    const ri = f64x2.mul(zr, zi);
    zi = f64x2.add(f64x2.add(ri, ri), ci);
    zr = f64x2.add(f64x2.sub(rr, ii), cr);
  }
  return i64x2.extract_lane(counts, 0) | (i64x2.extract_lane(counts, 1) << 32);
}

/**
 * Fills `row` with the escape time of each pixel of line `y`; `view.iterations` says that the
 * point never left. Pixel centres are spread evenly around the centre of the view.
 */
export function escapeRow(view: View, y: i32, row: StaticArray<i32>): void {
  const width = view.width;
  const step = VIEW_WIDTH_AT_ZOOM_1 / (view.zoom * <f64>width);
  const im = view.centerIm - (<f64>y - <f64>(view.height - 1) / 2) * step;
  for (let x = 0; x < width; x += 2) {
    const re0 = view.centerRe + (<f64>x - <f64>(width - 1) / 2) * step;
    const re1 = view.centerRe + (<f64>(x + 1) - <f64>(width - 1) / 2) * step;
    let pair: u64;
    if (!view.julia && surelyInside(re0, im) && surelyInside(re1, im)) {
      pair = (<u64>view.iterations << 32) | <u64>view.iterations;
    } else {
      pair = escapePair(view, re0, re1, im);
    }
    row[x] = <i32>pair;
    if (x + 1 < width) row[x + 1] = <i32>(pair >> 32);
  }
}
