/** Why a module is not admitted. Caught at the border of admission and returned as a value. */
export class Refusal extends Error {
  readonly code: AdmitCode;
  /** Byte offset in the module. */
  readonly offset: number | undefined;

  constructor(code: AdmitCode, detail: string, offset?: number) {
    super(detail);
    this.code = code;
    this.offset = offset;
  }
}

/**
 * - `not-wasm`, `invalid`: no module, or one that the specification's validation refuses
 * - `limit`: over a size in `AdmitLimits`
 * - `feature`: valid, but outside of the profile (WebAssembly 2.0 without floats in imports)
 * - `import`: an import that no host gives
 * - `reserved`: an export name that the meter uses
 * - `engine`: this engine does not compile the metered module
 */
export type AdmitCode =
  | 'not-wasm'
  | 'invalid'
  | 'limit'
  | 'feature'
  | 'import'
  | 'reserved'
  | 'engine';

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads the values of the binary format (core spec 5.2). Leaves its range only by a Refusal. */
export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  byte(): number {
    const value = this.bytes[this.at];
    if (value === undefined || this.at >= this.end) this.truncated();
    this.at++;
    return value;
  }

  /** Unsigned LEB128 of 32 bits (5.2.2). */
  u32(): number {
    const first = this.byte();
    if (first < 0x80) return first;
    let value = first & 0x7f;
    for (let shift = 7; shift < 35; shift += 7) {
      const next = this.byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return value >>> 0;
    }
    throw new Refusal('invalid', 'integer too long', this.at);
  }

  /** Signed LEB128 of 33 bits, as block types use it; the profile's values fit in 32. */
  s33(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const next = this.byte();
      value |= (next & 0x7f) << shift;
      if (next < 0x80) return shift < 28 && next & 0x40 ? value | (-1 << (shift + 7)) : value;
    }
    throw new Refusal('invalid', 'integer too long', this.at);
  }

  /** Skips a LEB128 of at most 64 bits. */
  skipInteger(): void {
    for (let length = 0; length < 10; length++) if (this.byte() < 0x80) return;
    throw new Refusal('invalid', 'integer too long', this.at);
  }

  skip(length: number): void {
    if (length > this.end - this.at) this.truncated();
    this.at += length;
  }

  /** UTF-8 name (5.2.4). */
  name(): string {
    const length = this.u32();
    const start = this.at;
    this.skip(length);
    try {
      return decoder.decode(this.bytes.subarray(start, this.at));
    } catch {
      throw new Refusal('invalid', 'name is not UTF-8', start);
    }
  }

  private truncated(): never {
    throw new Refusal('invalid', 'unexpected end', this.at);
  }
}
