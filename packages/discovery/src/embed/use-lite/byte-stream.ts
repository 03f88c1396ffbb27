/** Bytes as they come: a file, a `Response` body, an R2 object's body, or an array of pieces. */
export type ByteSource =
  | Uint8Array
  | ReadableStream<Uint8Array>
  | AsyncIterable<Uint8Array>
  | Iterable<Uint8Array>;

/** Bytes of the one buffer that a stream is read through. */
const BUFFER_BYTES = 1 << 16;

type Pieces = AsyncIterator<Uint8Array> | Iterator<Uint8Array>;

/** Hands bytes on in the portions that are asked for; at most one piece is held. */
export class ByteStream {
  readonly #pieces: Pieces;
  #piece: Uint8Array = new Uint8Array();

  constructor(source: ByteSource) {
    this.#pieces = piecesOf(source);
  }

  /** Fills `target` and tells how many bytes there were: fewer than its length only at the end. */
  async fill(target: Uint8Array): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      if (this.#piece.length === 0 && !(await this.#next())) break;
      const part = this.#piece.subarray(0, target.length - filled);
      target.set(part, filled);
      this.#piece = this.#piece.subarray(part.length);
      filled += part.length;
    }
    return filled;
  }

  /** Lets the source go before its end. */
  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #next(): Promise<boolean> {
    const { done, value } = await this.#pieces.next();
    if (done === true) return false;
    this.#piece = value;
    return true;
  }
}

function piecesOf(source: ByteSource): Pieces {
  if (source instanceof Uint8Array) return [source][Symbol.iterator]();
  if (source instanceof ReadableStream) return read(source);
  if (Symbol.asyncIterator in source) return source[Symbol.asyncIterator]();
  return source[Symbol.iterator]();
}

/**
 * A stream of bytes is read through one buffer: seven megabytes of pieces that wait for the garbage
 * collector are much in a worker. Streams of other kinds give their own pieces.
 */
async function* read(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = byteReader(stream);
  if (reader === undefined) {
    yield* stream;
    return;
  }
  let buffer = new ArrayBuffer(BUFFER_BYTES);
  try {
    for (;;) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return;
      yield value;
      buffer = value.buffer;
    }
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}

function byteReader(stream: ReadableStream<Uint8Array>): ReadableStreamBYOBReader | undefined {
  try {
    return stream.getReader({ mode: 'byob' });
  } catch (error) {
    // By the standard a TypeError: this is no stream of bytes.
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
