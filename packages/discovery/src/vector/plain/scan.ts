import { type Bitmap, hasBit } from '../../index/bitmap.ts';
import { float64Column } from '../../index/column.ts';
import { BytePages } from '../../index/pages.ts';
import type { SectionReader, SectionWriter } from '../../index/sections.ts';
import { cosineOf, squaredLength } from '../cosine.ts';
import type { Neighbours, VectorEngine } from '../engine.ts';
import { TopList } from '../top.ts';

/**
 * The exact scan in plain JavaScript: what runs where no WebAssembly module is handed in, and
 * the oracle of the other engines. Its graph is the scan.
 */
export class PlainScan implements VectorEngine {
  readonly id = 'plain-scan-1';
  readonly dims: number;
  readonly #vectors = new BytePages();
  readonly #offsets = float64Column();
  readonly #squares = float64Column();
  readonly #removed = new Set<number>();

  constructor(dims: number) {
    this.dims = dims;
  }

  get slots(): number {
    return this.#offsets.length;
  }

  get linked(): number {
    return this.slots;
  }

  add(vector: Int8Array): number {
    this.#checkDims(vector);
    const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.length);
    this.#squares.push(squaredLength(vector));
    return this.#offsets.push(this.#vectors.append(bytes));
  }

  remove(slot: number): void {
    this.#removed.add(slot);
  }

  isRemoved(slot: number): boolean {
    return this.#removed.has(slot);
  }

  link(): number {
    return 0;
  }

  vectorAt(slot: number): Int8Array {
    return new Int8Array(this.#vectors.view(this.#offsets.at(slot), this.dims));
  }

  scan(query: Int8Array, k: number, allowed: Bitmap, from = 0): Neighbours {
    this.#checkDims(query);
    const best = new TopList(Math.min(k, this.slots));
    const square = squaredLength(query);
    for (let slot = from; slot < this.slots; slot++) {
      if (!hasBit(allowed, slot) || this.#removed.has(slot)) continue;
      best.offer(slot, this.#cosine(query, square, slot), slot);
    }
    const ranked = best.ranked();
    return {
      slots: Uint32Array.from(ranked, ({ slot }) => slot),
      cosines: Float64Array.from(ranked, ({ score }) => score),
    };
  }

  graph(query: Int8Array, k: number, allowed: Bitmap): Neighbours {
    return this.scan(query, k, allowed);
  }

  cosines(query: Int8Array, slots: Uint32Array): Float64Array {
    this.#checkDims(query);
    const square = squaredLength(query);
    return Float64Array.from(slots, (slot) => this.#cosine(query, square, slot));
  }

  save(writer: SectionWriter): void {
    this.#vectors.save('plain.vectors', writer);
    writer.column('plain.offsets', this.#offsets);
    writer.column('plain.squares', this.#squares);
    writer.numbers('plain.removed.count', [this.#removed.size]);
    writer.numbers('plain.removed', [...this.#removed]);
  }

  async load(reader: SectionReader): Promise<void> {
    await this.#vectors.load('plain.vectors', reader);
    await reader.column('plain.offsets', this.#offsets);
    await reader.column('plain.squares', this.#squares, this.slots);
    const [removed = 0] = await reader.numbers('plain.removed.count', 1);
    for (const slot of await reader.numbers('plain.removed', removed)) this.#removed.add(slot);
  }

  #checkDims({ length }: Int8Array): void {
    if (length !== this.dims) throw new RangeError(`vector of ${length} dims`);
  }

  #cosine(query: Int8Array, querySquare: number, slot: number): number {
    const bytes = this.#vectors.view(this.#offsets.at(slot), this.dims);
    const vector = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    let dot = 0;
    for (let i = 0; i < vector.length; i++) dot += (vector[i] ?? 0) * (query[i] ?? 0);
    return cosineOf(dot, this.#squares.at(slot), querySquare);
  }
}
