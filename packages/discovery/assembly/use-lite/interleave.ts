/**
 * The order in which a matrix is multiplied. A file has int8 [rows][columns]; in memory, once it is
 * complete, stand [rows ÷ 8][columns ÷ 2][8][2]: two columns of eight rows side by side. One load
 * then has the next products of eight sums, whatever the number of columns.
 */
import * as at from './memory';
import { DIMS, HIDDEN, NARROW, WIDE } from './memory';

/** Rows that stand side by side; each matrix has a multiple of it. */
export const BLOCK: usize = 8;

/** All matrices of the image, in place. */
export function interleaveAll(): void {
  interleave(at.QKV_0, NARROW, 3 * NARROW);
  interleave(at.ATTENTION_0, NARROW, WIDE);
  interleave(at.RESIDUAL_0, NARROW, WIDE);
  interleave(at.RESIDUAL_REST_0, NARROW, WIDE);
  interleave(at.EXPAND_0, WIDE, HIDDEN);
  interleave(at.CONTRACT_0, HIDDEN, WIDE);
  interleave(at.QKV_1, WIDE, 3 * WIDE);
  interleave(at.ATTENTION_1, WIDE, WIDE);
  interleave(at.EXPAND_1, WIDE, HIDDEN);
  interleave(at.CONTRACT_1, HIDDEN, WIDE);
  interleave(at.OUTPUT, WIDE, WIDE);
  interleave(at.PROJECTION, WIDE, DIMS);
}

/**
 * Transposes each block from [8][columns ÷ 2] to [columns ÷ 2][8] pairs of bytes by riffling it
 * three times: a riffle of n moves what is at i to 2i modulo n − 1, so three move it to 8i.
 */
function interleave(matrix: usize, columns: usize, rows: usize): void {
  const bytes = BLOCK * columns;
  const end = matrix + rows * columns;
  for (let block = matrix; block < end; block += bytes) {
    riffle(block, bytes, at.STAGING);
    riffle(at.STAGING, bytes, at.STAGING + bytes);
    riffle(at.STAGING + bytes, bytes, block);
  }
}

/** By turns a pair of bytes from the first and from the second half, as cards are shuffled. */
function riffle(from: usize, bytes: usize, to: usize): void {
  const half = bytes >> 1;
  for (let i: usize = 0; i < half; i += 16) {
    const a = v128.load(from + i);
    const b = v128.load(from + half + i);
    v128.store(to + (i << 1), v128.shuffle<i16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11));
    v128.store(to + (i << 1), v128.shuffle<i16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15), 16);
  }
}
