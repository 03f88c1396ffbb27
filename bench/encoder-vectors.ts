import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Embedder, Encoder } from '@zerostate/discovery';

const CACHE = new URL('.cache/', import.meta.url);

/**
 * Remembers the vectors of every text under `bench/.cache`, by the encoder's id: a sweep of weights
 * asks the same queries again and again.
 */
export class RememberedEncoder implements Embedder {
  readonly id: string;
  readonly dims: number;
  readonly #encoder: Encoder;
  readonly #file: URL;
  readonly #known: Map<string, string[]>;

  constructor(encoder: Encoder) {
    this.id = encoder.id;
    this.dims = encoder.dims;
    this.#encoder = encoder;
    this.#file = new URL(`${encoder.id}.json`, CACHE);
    const saved: unknown = existsSync(this.#file)
      ? JSON.parse(readFileSync(this.#file, 'utf8'))
      : [];
    // Checked border: `save` wrote it.
    this.#known = new Map(saved as [string, string[]][]);
  }

  async embed(texts: readonly string[]): Promise<Int8Array[]> {
    return texts.map((text) => this.whole(text));
  }

  whole(text: string): Int8Array {
    const [vector] = this.#remember(`whole ${text}`, () => [this.#encoder.vector(text)]);
    return vector ?? new Int8Array(this.dims);
  }

  chunks(text: string): Int8Array[] {
    return this.#remember(`chunks ${text}`, () => this.#encoder.vectors(text));
  }

  save(): void {
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(this.#file, JSON.stringify([...this.#known]));
  }

  #remember(key: string, make: () => Int8Array<ArrayBuffer>[]): Int8Array[] {
    const known = this.#known.get(key);
    if (known !== undefined) return known.map((text) => new Int8Array(Buffer.from(text, 'base64')));
    const made = make();
    const texts = made.map((vector) => Buffer.from(vector.buffer).toString('base64'));
    this.#known.set(key, texts);
    return made;
  }
}
