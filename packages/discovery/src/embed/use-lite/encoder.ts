import type { Embedder } from '../embedder.ts';
import type { ByteSource } from './byte-stream.ts';
import { equal, hex } from './bytes.ts';
import { CHUNK_RULE, CHUNK_TOKENS, chunksOf } from './chunks.ts';
import { PROJECTION, sha256 } from './image.ts';
import { digestOf, instantiate, type Kernel } from './kernel.ts';
import { NORMALISATION, normalise } from './normalise.ts';
import { Tokeniser } from './tokeniser.ts';
import { loadWeights, type WeightsFaultCode } from './weights.ts';

/** Components of a sentence before the projection, as the stock model answers it. */
const SENTENCE_DIMS = 512;
/** Hex digits of the digest that names a model. */
const ID_DIGITS = 16;

export interface EncoderSources {
  /** `use-lite-w8.bin` or `use-lite-w4.bin`, read once as a stream into the module's memory. */
  readonly weights: ByteSource;
  /** The text of `use-lite-vocabulary.json`, of the same build as the weights. */
  readonly vocabulary: string;
  /** The compiled `wasm/use-lite.wasm`; each runtime has its own way to get it. */
  readonly wasm: WebAssembly.Module;
}

export type EncoderFaultCode = WeightsFaultCode | 'vocabulary-mismatch';

export type EncoderAnswer =
  | { readonly ok: true; readonly encoder: Encoder }
  | { readonly ok: false; readonly code: EncoderFaultCode; readonly detail: string };

/**
 * Makes the sentence encoder, or says what is wrong with its weights or vocabulary: whoever ranks
 * goes on without it. Holds about 10 MiB of wasm memory.
 */
export async function createEncoder(sources: EncoderSources): Promise<EncoderAnswer> {
  const kernel = instantiate(sources.wasm);
  const loaded = await loadWeights(kernel, sources.weights);
  if (!loaded.ok) return loaded;
  const { header } = loaded;
  const text = Uint8Array.from(new TextEncoder().encode(sources.vocabulary));
  if (!equal(await sha256(text), header.vocabulary)) {
    const detail = 'the vocabulary is not the one these weights were built with';
    return { ok: false, code: 'vocabulary-mismatch', detail };
  }
  if (kernel.start() === 0) throw new TypeError('the module has too little memory');
  // Checked border: the digest above says that the build wrote this text.
  const [pieces, scores] = JSON.parse(sources.vocabulary) as [string[], number[]];
  const rules = new TextEncoder().encode(`${NORMALISATION} ${CHUNK_RULE}`);
  const parts = [header.image, header.vocabulary, digestOf(sources.wasm), rules];
  const name = await sha256(Uint8Array.from(parts.flatMap((part) => [...part])));
  const id = `use-lite-${header.format}-${hex(name).slice(0, ID_DIGITS)}`;
  return { ok: true, encoder: new Encoder(id, kernel, new Tokeniser(pieces, scores)) };
}

/**
 * `use-lite`: Universal Sentence Encoder lite (Cer et al. 2018, arXiv:1803.11175) in WebAssembly,
 * the same bytes on every runtime. Made by `createEncoder`. Its `id` names everything that a
 * vector depends on: module, weights, projection, vocabulary and the rules for texts. A chunk of
 * 128 tokens, about 100 words, takes some 17 ms of CPU time, a query of 12 words 2 ms, and no text
 * more than CHUNKS_MAX chunks.
 */
export class Encoder implements Embedder {
  readonly id: string;
  readonly dims = PROJECTION.rows;
  readonly #kernel: Kernel;
  readonly #tokeniser: Tokeniser;

  constructor(id: string, kernel: Kernel, tokeniser: Tokeniser) {
    this.id = id;
    this.#kernel = kernel;
    this.#tokeniser = tokeniser;
  }

  /** Bytes of wasm memory; constant. */
  get memoryBytes(): number {
    return this.#kernel.memory.buffer.byteLength;
  }

  /** One vector a text; computed at once, so give long lists in portions. */
  async embed(texts: readonly string[]): Promise<Int8Array[]> {
    return texts.map((text) => this.vector(text));
  }

  /** The direction of a whole text; zeros for one of nothing but white space. */
  vector(text: string): Int8Array<ArrayBuffer> {
    this.#run(chunksOf(this.tokens(text)));
    return this.#vector();
  }

  /** A vector for each chunk of a text, for an index in which the nearest one counts. */
  vectors(text: string): Int8Array<ArrayBuffer>[] {
    return chunksOf(this.tokens(text)).map((chunk) => {
      this.#run([chunk]);
      return this.#vector();
    });
  }

  /** The 512 components before the projection, at unit length: what the stock model gives. */
  sentence(text: string): Float32Array<ArrayBuffer> {
    this.#run(chunksOf(this.tokens(text)));
    const { memory } = this.#kernel;
    return new Float32Array(memory.buffer, this.#kernel.sentenceAddress(), SENTENCE_DIMS).slice();
  }

  /** Token ids of a text, all of them. */
  tokens(text: string): Int32Array<ArrayBuffer> {
    return this.#tokeniser.encode(normalise(text));
  }

  #run(chunks: readonly Int32Array[]): void {
    const kernel = this.#kernel;
    const ids = new Int32Array(kernel.memory.buffer, kernel.idsAddress(), CHUNK_TOKENS);
    kernel.begin();
    for (const chunk of chunks) {
      ids.set(chunk);
      kernel.add(chunk.length);
    }
    kernel.finish();
  }

  #vector(): Int8Array<ArrayBuffer> {
    const { memory } = this.#kernel;
    return new Int8Array(memory.buffer, this.#kernel.vectorAddress(), this.dims).slice();
  }
}
