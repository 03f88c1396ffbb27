const LANES = 8;
const BLOCK_BYTES = 4 * LANES;
const MULTIPLIER = 0x9e3779b1;

/**
 * A 64-bit checksum against accidents: eight lanes over little-endian 32-bit words, each a
 * multiply and a shift (as in FNV and MurmurHash3), so that a processor works on all at once: a
 * cold start reads fifty megabytes through it. Every step of a lane is one to one, so one wrong
 * bit is always seen. The same for any way a stream is cut into parts.
 */
export class Checksum {
  readonly #lanes = Int32Array.from({ length: LANES }, (_, i) => Math.imul(i + 1, 0x85ebca6b));
  readonly #block = new Uint8Array(BLOCK_BYTES);
  readonly #blockWords = new Int32Array(this.#block.buffer);
  #pending = 0;
  #length = 0;

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#pending > 0) {
      at = Math.min(bytes.length, BLOCK_BYTES - this.#pending);
      this.#keep(bytes.subarray(0, at));
    }
    const blocks = Math.floor((bytes.length - at) / BLOCK_BYTES);
    if (blocks > 0) {
      this.#words(wordsOf(bytes.subarray(at, at + blocks * BLOCK_BYTES)));
      at += blocks * BLOCK_BYTES;
    }
    this.#keep(bytes.subarray(at));
  }

  digest(): string {
    let [high, low] = [this.#length | 0, 0];
    this.#block.fill(0, this.#pending);
    for (let i = 0; i < LANES; i++) {
      const lane = (this.#lanes[i] ?? 0) ^ Math.imul(this.#blockWords[i] ?? 0, 0x1b873593);
      high = finish(Math.imul(high, 0x85ebca6b) ^ lane);
      low = finish(Math.imul(low, 0xc2b2ae35) + lane);
    }
    return [high, low].map((half) => half.toString(16).padStart(8, '0')).join('');
  }

  /** Takes bytes that do not fill a block yet, or just do. */
  #keep(bytes: Uint8Array): void {
    this.#block.set(bytes, this.#pending);
    this.#pending += bytes.length;
    if (this.#pending < BLOCK_BYTES) return;
    this.#words(this.#blockWords);
    this.#pending = 0;
  }

  /** Whole blocks. The lanes are locals here: in the array they would wait for memory. */
  #words(words: Int32Array): void {
    const lanes = this.#lanes;
    let [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0] = lanes;
    for (let i = 0; i < words.length; i += LANES) {
      a = step(a, words[i] ?? 0);
      b = step(b, words[i + 1] ?? 0);
      c = step(c, words[i + 2] ?? 0);
      d = step(d, words[i + 3] ?? 0);
      e = step(e, words[i + 4] ?? 0);
      f = step(f, words[i + 5] ?? 0);
      g = step(g, words[i + 6] ?? 0);
      h = step(h, words[i + 7] ?? 0);
    }
    lanes.set([a, b, c, d, e, f, g, h]);
  }
}

function step(lane: number, word: number): number {
  const mixed = Math.imul(lane ^ word, MULTIPLIER);
  return mixed ^ (mixed >>> 15);
}

/** The words of whole blocks; copied when they do not lie at a multiple of four. */
function wordsOf(bytes: Uint8Array): Int32Array {
  const aligned = bytes.byteOffset % 4 === 0 ? bytes : bytes.slice();
  return new Int32Array(aligned.buffer, aligned.byteOffset, aligned.byteLength >>> 2);
}

function finish(value: number): number {
  let hash = value;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
