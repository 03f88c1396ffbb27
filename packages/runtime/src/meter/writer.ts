/** Growing buffer for the binary format (core spec 5.2). */
export class Writer {
  private buffer: Uint8Array;
  length = 0;

  constructor(capacity = 1 << 16) {
    this.buffer = new Uint8Array(capacity);
  }

  byte(value: number): void {
    if (this.length === this.buffer.length) this.reserve(1);
    this.buffer[this.length++] = value;
  }

  /** Instruction bytes and other short constants. */
  put(...values: number[]): void {
    for (const value of values) this.byte(value);
  }

  /** Unsigned LEB128 of at most 32 bits. */
  u32(value: number): void {
    let rest = value >>> 0;
    while (rest > 0x7f) {
      this.byte((rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    this.byte(rest);
  }

  /** Signed LEB128 of a safe integer. */
  integer(value: number): void {
    let rest = value;
    for (;;) {
      const low = ((rest % 128) + 128) % 128;
      rest = Math.floor(rest / 128);
      const done = (rest === 0 && low < 64) || (rest === -1 && low >= 64);
      this.byte(done ? low : low | 0x80);
      if (done) return;
    }
  }

  /** Bytes `start` to `end` of another array. */
  copy(source: Uint8Array, start: number, end: number): void {
    const size = end - start;
    if (size <= 0) return;
    this.reserve(size);
    // A call into the engine costs more than a short loop; most runs between charges are short.
    if (size < 32) {
      for (let at = start; at < end; at++) this.buffer[this.length++] = source[at] ?? 0;
    } else {
      this.buffer.set(source.subarray(start, end), this.length);
      this.length += size;
    }
  }

  append(other: Writer): void {
    this.copy(other.buffer, 0, other.length);
  }

  name(text: string): void {
    const bytes = new TextEncoder().encode(text);
    this.u32(bytes.length);
    this.copy(bytes, 0, bytes.length);
  }

  clear(): void {
    this.length = 0;
  }

  /** A copy of what was written. */
  bytes(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.buffer.slice(0, this.length));
  }

  private reserve(size: number): void {
    if (this.length + size <= this.buffer.length) return;
    const grown = new Uint8Array(Math.max(this.buffer.length * 2, this.length + size));
    grown.set(this.buffer.subarray(0, this.length));
    this.buffer = grown;
  }
}
