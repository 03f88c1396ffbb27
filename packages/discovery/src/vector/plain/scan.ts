import { type Bitmap, hasBit } from '../../index/bitmap.ts';
import { float64Column } from '../../index/column.ts';
import { BytePages } from '../../index/pages.ts';
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
  readonly #norms = float64Column();
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
    if (vector.length !== this.dims) throw new RangeError(`vector of ${vector.length} dims`);
    const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.length);
    this.#norms.push(norm(vector));
    return this.#offsets.push(this.#vectors.append(bytes));
  }

  remove(slot: number): void {
    this.#removed.add(slot);
  }

  link(): number {
    return 0;
  }

  scan(query: Int8Array, k: number, allowed: Bitmap, from = 0): Neighbours {
    const best = new TopList(Math.min(k, this.slots));
    const length = norm(query);
    for (let slot = from; slot < this.slots; slot++) {
      if (!hasBit(allowed, slot) || this.#removed.has(slot)) continue;
      best.offer(slot, this.#cosine(query, length, slot), slot);
    }
    const ranked = best.ranked();
    return {
      slots: Uint32Array.from(ranked, ({ slot }) => slot),
      cosines: Float32Array.from(ranked, ({ score }) => score),
    };
  }

  graph(query: Int8Array, k: number, allowed: Bitmap): Neighbours {
    return this.scan(query, k, allowed);
  }

  cosines(query: Int8Array, slots: Uint32Array): Float32Array {
    const length = norm(query);
    return Float32Array.from(slots, (slot) => this.#cosine(query, length, slot));
  }

  #cosine(query: Int8Array, queryLength: number, slot: number): number {
    const length = queryLength * this.#norms.at(slot);
    if (length === 0) return 0;
    const bytes = this.#vectors.view(this.#offsets.at(slot), this.dims);
    const vector = new Int8Array(bytes.buffer, bytes.byteOffset, bytes.length);
    let dot = 0;
    for (let i = 0; i < vector.length; i++) dot += (vector[i] ?? 0) * (query[i] ?? 0);
    return dot / length;
  }
}

function norm(vector: Int8Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] ?? 0) ** 2;
  return Math.sqrt(sum);
}
