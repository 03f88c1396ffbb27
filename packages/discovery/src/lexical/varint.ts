/** LEB128 of the gaps of rising numbers below 2^32. */
export function encodeRising(values: readonly number[]): Uint8Array {
  const bytes: number[] = [];
  let previous = 0;
  for (const value of values) {
    let gap = value - previous;
    previous = value;
    while (gap >= 0x80) {
      bytes.push((gap & 0x7f) | 0x80);
      gap >>>= 7;
    }
    bytes.push(gap);
  }
  return Uint8Array.from(bytes);
}

/** The numbers again. */
export function decodeRising(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let previous = 0;
  let gap = 0;
  let shift = 0;
  for (const byte of bytes) {
    gap |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte & 0x80) continue;
    previous += gap >>> 0;
    values.push(previous);
    gap = 0;
    shift = 0;
  }
  return values;
}
