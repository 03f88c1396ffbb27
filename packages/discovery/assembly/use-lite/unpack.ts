/**
 * Expands packed weights: a group is 16 bytes of nibbles and a multiplier, and stands for 32 int8
 * weights (nibble − 8) × multiplier. Multipliers are at most 18, so |weight| ≤ 7 · 18 = 126.
 */
const GROUP_BYTES: usize = 17;

export function unpackGroups(from: usize, groups: usize, to: usize): void {
  const low = i8x16.splat(15);
  const offset = i8x16.splat(8);
  for (let group: usize = 0; group < groups; group++) {
    const at = from + group * GROUP_BYTES;
    const nibbles = v128.load(at);
    const factor = i16x8.splat(<i16>load<u8>(at, 16));
    const even = i8x16.sub(v128.and(nibbles, low), offset);
    const odd = i8x16.sub(i8x16.shr_u(nibbles, 4), offset);
    const first = v128.shuffle<i8>(
      even, odd, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23,
    );
    const second = v128.shuffle<i8>(
      even, odd, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31,
    );
    v128.store(to + (group << 5), scaled(first, factor));
    v128.store(to + (group << 5), scaled(second, factor), 16);
  }
}

@inline
function scaled(nibbles: v128, factor: v128): v128 {
  return i8x16.narrow_i16x8_s(
    i16x8.mul(i16x8.extend_low_i8x16_s(nibbles), factor),
    i16x8.mul(i16x8.extend_high_i8x16_s(nibbles), factor),
  );
}
