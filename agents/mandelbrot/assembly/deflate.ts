// DEFLATE (RFC 1951) in one block of fixed Huffman codes. Matches are found through a
// hash of three bytes that remembers the newest place and, behind it, a short chain.

const WINDOW: i32 = 32768;
const MATCH_MIN: i32 = 3;
const MATCH_MAX: i32 = 258;
const CHAIN_MAX: i32 = 16;
const HASH_BITS: i32 = 15;

/** RFC 1951, 3.2.5: first length of codes 257 to 284, and first distance of 0 to 29. */
const LENGTH_BASE: StaticArray<i32> = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131,
  163, 195, 227,
];
const LENGTH_EXTRA: StaticArray<i32> = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5,
];
const DISTANCE_BASE: StaticArray<i32> = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049,
  3073, 4097, 6145, 8193, 12289, 16385, 24577,
];

let output: Uint8Array = new Uint8Array(0);
let outputLength = 0;
let bitsHeld: u64 = 0;
let bitCount = 0;

/** Appends `count` bits, least significant first. */
function putBits(value: u32, count: i32): void {
  bitsHeld |= <u64>value << bitCount;
  bitCount += count;
  while (bitCount >= 8) {
    if (outputLength == output.length) {
      const grown = new Uint8Array(output.length * 2);
      memory.copy(grown.dataStart, output.dataStart, outputLength);
      output = grown;
    }
    output[outputLength++] = <u8>bitsHeld;
    bitsHeld >>= 8;
    bitCount -= 8;
  }
}

/** Huffman codes are packed from their most significant bit (3.1.1). */
function putCode(code: u32, length: i32): void {
  let reversed: u32 = 0;
  for (let i = 0; i < length; i++) reversed |= ((code >> i) & 1) << (length - 1 - i);
  putBits(reversed, length);
}

/** The fixed code of a literal or length symbol (3.2.6). */
function putSymbol(symbol: i32): void {
  if (symbol < 144) putCode(0x30 + symbol, 8);
  else if (symbol < 256) putCode(0x190 + symbol - 144, 9);
  else if (symbol < 280) putCode(symbol - 256, 7);
  else putCode(0xc0 + symbol - 280, 8);
}

function putMatch(length: i32, distance: i32): void {
  if (length == MATCH_MAX) {
    putSymbol(285);
  } else {
    let code = LENGTH_BASE.length - 1;
    while (LENGTH_BASE[code] > length) code--;
    putSymbol(257 + code);
    putBits(length - LENGTH_BASE[code], LENGTH_EXTRA[code]);
  }
  let code = DISTANCE_BASE.length - 1;
  while (DISTANCE_BASE[code] > distance) code--;
  putCode(code, 5);
  putBits(distance - DISTANCE_BASE[code], code < 4 ? 0 : (code >> 1) - 1);
}

@inline
function hashAt(at: usize): i32 {
  const three = <u32>load<u16>(at) | (<u32>load<u8>(at, 2) << 16);
  return <i32>((three * 0x9e3779b1) >> (32 - HASH_BITS));
}

function matchLength(a: usize, b: usize, max: i32): i32 {
  let n = 0;
  while (n < max && load<u8>(a + n) == load<u8>(b + n)) n++;
  return n;
}

/** The compressed bytes of `data`, without a zlib frame. */
export function deflate(data: Uint8Array): Uint8Array {
  output = new Uint8Array(data.length / 4 + 1024);
  outputLength = 0;
  bitsHeld = 0;
  bitCount = 0;
  const newest = new StaticArray<i32>(1 << HASH_BITS).fill(-1);
  const older = new StaticArray<i32>(WINDOW);
  const start = data.dataStart;
  putBits(1, 1);
  putBits(1, 2);
  let at = 0;
  while (at < data.length) {
    const max = min(MATCH_MAX, data.length - at);
    let best = 0;
    let bestAt = 0;
    if (max >= MATCH_MIN) {
      let candidate = newest[hashAt(start + at)];
      for (let tries = 0; tries < CHAIN_MAX && candidate >= 0 && at - candidate < WINDOW; tries++) {
        const length = matchLength(start + candidate, start + at, max);
        if (length > best) {
          best = length;
          bestAt = candidate;
          if (length == max) break;
        }
        const next = older[candidate & (WINDOW - 1)];
        if (next >= candidate) break;
        candidate = next;
      }
    }
    const taken = best >= MATCH_MIN ? best : 1;
    if (best >= MATCH_MIN) putMatch(best, at - bestAt);
    else putSymbol(load<u8>(start + at));
    for (const end = at + taken; at < end; at++) {
      if (at + MATCH_MIN > data.length) continue;
      const hash = hashAt(start + at);
      older[at & (WINDOW - 1)] = newest[hash];
      newest[hash] = at;
    }
  }
  putSymbol(256);
  putBits(0, 7);
  return output.subarray(0, outputLength);
}
