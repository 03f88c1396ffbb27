import type { Bitmap } from '../../index/bitmap.ts';
import type { SectionReader, SectionWriter } from '../../index/sections.ts';
import { byCosine, cosineOf, squaredLength } from '../cosine.ts';
import { filteredBreadth, type Neighbours, type VectorEngine } from '../engine.ts';
import { type EngineExports, instantiate } from './exports.ts';
import { restoreArena, saveArena } from './snapshot.ts';

export interface Int8HnswOptions {
  /** The compiled `wasm/int8-hnsw.wasm`; each runtime has its own way to get it. */
  readonly module: WebAssembly.Module;
  /** A multiple of 16. */
  readonly dims: number;
  /** Slots the engine can ever give out. */
  readonly capacity: number;
  /** Links of a slot at each upper level (twice that at level 0): 4 to 64, a power of two. */
  readonly fan?: number;
  /** Candidates looked at for each slot that is linked. */
  readonly buildBreadth?: number;
}

export const FAN_DEFAULT = 16;
export const BUILD_BREADTH_DEFAULT = 120;

/** Most results of one search, and the broadest walk. */
const RESULTS_MAX = 4_096;
const BREADTH_MAX = 4_096;

const RECORD_WORDS = 3;

/** From this share of allowed slots on, walking first and filtering after is cheaper. */
const NEARLY_ALL = 0.9;

/**
 * HNSW and exact scan over int8 vectors in one WebAssembly arena with SIMD: the sources are in
 * `assembly/`. Cosines in answers come from exact integer dot products, so they are the same bits
 * as those of every other engine.
 */
export class Int8Hnsw implements VectorEngine {
  readonly id = 'int8-hnsw-1';
  readonly dims: number;
  readonly fan: number;
  readonly capacity: number;
  readonly #wasm: EngineExports;

  constructor(options: Int8HnswOptions) {
    const { module, dims, capacity, fan = FAN_DEFAULT } = options;
    this.dims = dims;
    this.fan = fan;
    this.capacity = capacity;
    this.#wasm = instantiate(module);
    const buildBreadth = options.buildBreadth ?? BUILD_BREADTH_DEFAULT;
    if (this.#wasm.configure(capacity, dims, fan, buildBreadth) === 0) {
      throw new RangeError(`int8-hnsw: bad shape ${capacity} × ${dims}, fan ${fan}`);
    }
  }

  get slots(): number {
    return this.#wasm.count();
  }

  get linked(): number {
    return this.#wasm.linked();
  }

  /** Bytes of wasm memory. */
  get memoryBytes(): number {
    return this.#wasm.memory.buffer.byteLength;
  }

  add(vector: Int8Array): number {
    this.#setInput(vector);
    const slot = this.#wasm.add();
    if (slot >= 0) return slot;
    throw new RangeError(slot === -1 ? 'vector engine is full' : 'no memory for another vector');
  }

  remove(slot: number): void {
    this.#wasm.remove(slot);
  }

  link(count: number): number {
    return this.#wasm.link(count);
  }

  vectorAt(slot: number): Int8Array {
    const address = this.#wasm.vectorAddress(slot);
    if (address === 0) throw new RangeError(`no slot ${slot}`);
    return new Int8Array(this.#wasm.memory.buffer, address, this.dims).slice();
  }

  scan(query: Int8Array, k: number, allowed: Bitmap, from = 0): Neighbours {
    this.#setInput(query);
    this.#setAllowed(allowed);
    return this.#answer(query, this.#wasm.scan(clamp(k, RESULTS_MAX), from));
  }

  graph(query: Int8Array, k: number, allowed: Bitmap, ef: number): Neighbours {
    this.#setInput(query);
    const share = this.#setAllowed(allowed) / Math.max(this.linked, 1);
    const wanted = clamp(k, RESULTS_MAX);
    const breadth = clamp(filteredBreadth(Math.max(ef, k), share), BREADTH_MAX);
    const size =
      share >= NEARLY_ALL
        ? this.#wasm.search(wanted, breadth)
        : this.#wasm.searchFiltered(wanted, breadth);
    return this.#answer(query, size);
  }

  cosines(query: Int8Array, slots: Uint32Array): Float64Array {
    this.#setInput(query);
    const cosines = new Float64Array(slots.length);
    const square = squaredLength(query);
    for (let start = 0; start < slots.length; start += RESULTS_MAX) {
      const part = slots.subarray(start, start + RESULTS_MAX);
      const records = this.#records(part.length);
      part.forEach((slot, i) => {
        records[i * RECORD_WORDS] = slot;
      });
      this.#wasm.measure(part.length);
      for (let i = 0; i < part.length; i++) cosines[start + i] = cosineAt(records, i, square);
    }
    return cosines;
  }

  save(writer: SectionWriter): void {
    saveArena(this.#wasm, this.#shape, writer);
  }

  /** Fills an empty engine from a snapshot; throws `SnapshotFault` when it is not sound. */
  async load(reader: SectionReader): Promise<void> {
    await restoreArena(this.#wasm, this.#shape, reader);
  }

  get #shape() {
    return { dims: this.dims, fan: this.fan, capacity: this.capacity };
  }

  #setInput(vector: Int8Array): void {
    if (vector.length !== this.dims) throw new RangeError(`vector of ${vector.length} dims`);
    new Int8Array(this.#wasm.memory.buffer, this.#wasm.inputAddress(), this.dims).set(vector);
  }

  /**
   * Copies the set in and returns how many slots it allows; a shorter one allows nothing beyond
   * its end, a longer one is cut.
   */
  #setAllowed(allowed: Bitmap): number {
    const bytes = ((this.slots + 63) >>> 6) << 3;
    const target = new Uint8Array(this.#wasm.memory.buffer, this.#wasm.allowedAddress(), bytes);
    const source = allowed.length > bytes ? allowed.subarray(0, bytes) : allowed;
    target.set(source);
    target.fill(0, source.length);
    return this.#wasm.allow();
  }

  #records(size: number): Int32Array {
    const { buffer } = this.#wasm.memory;
    return new Int32Array(buffer, this.#wasm.outputAddress(), size * RECORD_WORDS);
  }

  #answer(query: Int8Array, size: number): Neighbours {
    const records = this.#records(size);
    const square = squaredLength(query);
    const slots = new Uint32Array(size);
    const cosines = new Float64Array(size);
    for (let i = 0; i < size; i++) {
      slots[i] = records[i * RECORD_WORDS] ?? 0;
      cosines[i] = cosineAt(records, i, square);
    }
    return byCosine(slots, cosines);
  }
}

function cosineAt(records: Int32Array, index: number, querySquare: number): number {
  const at = index * RECORD_WORDS;
  return cosineOf(records[at + 1] ?? 0, records[at + 2] ?? 0, querySquare);
}

function clamp(value: number, limit: number): number {
  return Math.max(1, Math.min(Math.ceil(value), limit));
}
