import { ValueType } from '../decode/profile.ts';

const NAN32 = [0x00, 0x00, 0xc0, 0x7f];
const NAN64 = [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f];

/** By shape: the instruction that gives the canonical NaN. */
export const CANONICAL_NAN: readonly (readonly number[])[] = [
  [],
  [0x43, ...NAN32],
  [0x44, ...NAN64],
  [0xfd, 0x0c, ...NAN32, ...NAN32, ...NAN32, ...NAN32],
  [0xfd, 0x0c, ...NAN64, ...NAN64],
];

/** By shape: what holds it. */
export const LANE_TYPES: readonly number[] = [
  0,
  ValueType.f32,
  ValueType.f64,
  ValueType.v128,
  ValueType.v128,
];

/** By shape: equality, then select; for vectors bitselect, lane by lane. */
export const SELECT_NUMBERS: readonly (readonly number[])[] = [
  [],
  [0x5b, 0x1b],
  [0x61, 0x1b],
  [0xfd, 0x41, 0xfd, 0x52],
  [0xfd, 0x47, 0xfd, 0x52],
];
