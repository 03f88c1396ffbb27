/** A term's number and how often a card has it. */
export type TermCount = readonly [id: number, count: number];

/**
 * A card's terms as bytes: for each, in rising order, LEB128 of gap << 1 | repeated, and of the
 * count when it is repeated. Numbers stay below 2^31.
 */
export function encodeTerms(terms: readonly TermCount[]): Uint8Array {
  const bytes: number[] = [];
  let previous = 0;
  for (const [id, count] of terms) {
    push(bytes, (id - previous) * 2 + (count > 1 ? 1 : 0));
    if (count > 1) push(bytes, count);
    previous = id;
  }
  return Uint8Array.from(bytes);
}

/** The terms again. */
export function decodeTerms(bytes: Uint8Array): TermCount[] {
  const terms: TermCount[] = [];
  const numbers = decodeNumbers(bytes);
  let id = 0;
  for (let i = 0; i < numbers.length; i++) {
    const head = numbers[i] ?? 0;
    id += head >>> 1;
    if (head & 1) i += 1;
    terms.push([id, head & 1 ? (numbers[i] ?? 1) : 1]);
  }
  return terms;
}

function push(bytes: number[], value: number): void {
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
}

function decodeNumbers(bytes: Uint8Array): number[] {
  const numbers: number[] = [];
  let value = 0;
  let shift = 0;
  for (const byte of bytes) {
    value |= (byte & 0x7f) << shift;
    shift += 7;
    if (byte & 0x80) continue;
    numbers.push(value >>> 0);
    value = 0;
    shift = 0;
  }
  return numbers;
}
