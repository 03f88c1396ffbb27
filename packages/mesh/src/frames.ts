/** Frames on a stream: four bytes of length, big-endian, then so many bytes. */
import { concat, err, ok, type Result } from '@zerostate/shared';
import type { PeerStream, StreamCode } from './ports.ts';

const LENGTH_BYTES = 4;

export type FrameCode = StreamCode | 'frame-too-large' | 'stream-ended';

export function encodeFrame(bytes: Uint8Array): Uint8Array {
  const length = new Uint8Array(LENGTH_BYTES);
  new DataView(length.buffer).setUint32(0, bytes.length);
  return concat(length, bytes);
}

/** Reads frames, and bytes between them, off one stream. */
export class FrameReader {
  readonly #stream: PeerStream;
  #rest: Uint8Array;

  constructor(stream: PeerStream) {
    this.#stream = stream;
    this.#rest = new Uint8Array(0);
  }

  /** The next frame; a length over `bytesMax` is refused before a byte of it is kept. */
  async frame(bytesMax: number, signal: AbortSignal): Promise<Result<Uint8Array, FrameCode>> {
    const head = await this.#exactly(LENGTH_BYTES, signal);
    if (!head.ok) return head;
    const { buffer, byteOffset } = head.value;
    const length = new DataView(buffer, byteOffset, LENGTH_BYTES).getUint32(0);
    if (length > bytesMax) return err('frame-too-large', `${length} of ${bytesMax} bytes`);
    return this.#exactly(length, signal);
  }

  /** Up to `max` bytes that are there; null at the end of the stream. */
  async some(max: number, signal: AbortSignal): Promise<Result<Uint8Array | null, FrameCode>> {
    if (this.#rest.length === 0) {
      const read = await this.#stream.read(signal);
      if (!read.ok || read.value === null) return read;
      this.#rest = read.value;
    }
    const taken = this.#rest.subarray(0, max);
    this.#rest = this.#rest.subarray(taken.length);
    return ok(taken);
  }

  /** Exactly so many bytes. */
  bytes(length: number, signal: AbortSignal): Promise<Result<Uint8Array, FrameCode>> {
    return this.#exactly(length, signal);
  }

  async #exactly(length: number, signal: AbortSignal): Promise<Result<Uint8Array, FrameCode>> {
    const parts: Uint8Array[] = [];
    let missing = length;
    while (missing > 0) {
      const part = await this.some(missing, signal);
      if (!part.ok) return part;
      if (part.value === null) return err('stream-ended');
      missing -= part.value.length;
      parts.push(part.value);
    }
    const [only] = parts;
    return ok(parts.length === 1 && only !== undefined ? only : concat(...parts));
  }
}
