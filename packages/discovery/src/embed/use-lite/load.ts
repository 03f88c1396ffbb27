import { open, readFile } from 'node:fs/promises';
import { createEncoder, type EncoderAnswer } from './encoder.ts';
import type { WeightFormat } from './image.ts';

const WASM = new URL('../../../wasm/use-lite.wasm', import.meta.url);
/** Where `npm run build:encoder` leaves its files. */
const BUILT = new URL('../../../dist/encoder/', import.meta.url);
const PIECE_BYTES = 1 << 20;

/**
 * The encoder from files, for Node, Bun and Deno. workerd and bundlers import
 * `@zerostate/discovery/use-lite.wasm` as a module and call `createEncoder` instead.
 * `folder` is a file URL that ends in a slash.
 */
export async function loadEncoder(
  format: WeightFormat = 'w8',
  folder: URL = BUILT,
): Promise<EncoderAnswer> {
  const wasm = await WebAssembly.compile(await readFile(WASM));
  let vocabulary: string;
  try {
    vocabulary = await readFile(new URL('use-lite-vocabulary.json', folder), 'utf8');
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return { ok: false, code: 'weights-unreadable', detail: `npm run build:encoder: ${why}` };
  }
  const weights = piecesOf(new URL(`use-lite-${format}.bin`, folder));
  return createEncoder({ wasm, weights, vocabulary });
}

/** A file in pieces of one buffer: each is used up before the next is read. */
async function* piecesOf(path: URL): AsyncGenerator<Uint8Array> {
  const file = await open(path);
  try {
    const buffer = new Uint8Array(PIECE_BYTES);
    for (;;) {
      const { bytesRead } = await file.read(buffer, 0, PIECE_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}
