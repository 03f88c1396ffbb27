/** Bytes written by a guest, up to a limit. One buffer: a guest may write them one by one. */
export class BoundedBuffer {
  private buffer = new Uint8Array(0);
  private length = 0;
  private readonly max: number;

  constructor(max: number) {
    this.max = max;
  }

  fits(size: number): boolean {
    return this.length + size <= this.max;
  }

  /** Appends; ask `fits` before. */
  write(bytes: Uint8Array): void {
    const length = this.length + bytes.length;
    if (length > this.max) throw new RangeError('write over the limit');
    if (length > this.buffer.length) {
      const grown = new Uint8Array(Math.min(this.max, Math.max(256, length * 2)));
      grown.set(this.buffer.subarray(0, this.length));
      this.buffer = grown;
    }
    this.buffer.set(bytes, this.length);
    this.length = length;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}

/** Standard input, read once from the front. */
export class InputStream {
  private readonly bytes: Uint8Array;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /** The next bytes, at most `size`; none at the end. */
  read(size: number): Uint8Array {
    const chunk = this.bytes.subarray(this.at, this.at + size);
    this.at += chunk.length;
    return chunk;
  }
}
