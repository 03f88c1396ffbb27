import { type Bitmap, hasBit } from '../../index/bitmap.ts';
import { type SectionReader, type SectionWriter, SnapshotFault } from '../../index/sections.ts';
import { byCosine } from '../cosine.ts';
import type { Neighbours, VectorEngine } from '../engine.ts';
import { PlainScan } from '../plain/scan.ts';
import type { HnswlibGraph, HnswlibModule } from './module.ts';

export interface HnswlibOptions {
  readonly module: HnswlibModule;
  readonly dims: number;
  /** Slots the engine can ever give out; hnswlib takes all their memory at once. */
  readonly capacity: number;
  readonly fan?: number;
  readonly buildBreadth?: number;
}

const FAN_DEFAULT = 16;
const BUILD_BREADTH_DEFAULT = 200;
const SEED = 100;
const FILE = 'graph.hnsw';
/** hnswlib-wasm writes and reads under this directory of its file system. */
const PATH = `/hnswlib-index/${FILE}`;

/**
 * hnswlib's float32 HNSW behind the same interface: the second engine, and an oracle for the
 * first. What must be exact (scans, cosines, the vectors themselves) is the plain scan's.
 */
export class Hnswlib implements VectorEngine {
  readonly id = 'hnswlib-wasm-0.8.2';
  readonly dims: number;
  readonly #module: HnswlibModule;
  readonly #capacity: number;
  readonly #exact: PlainScan;
  readonly #graph: HnswlibGraph;
  #linked = 0;

  constructor(options: HnswlibOptions) {
    const { module, dims, capacity } = options;
    this.dims = dims;
    this.#module = module;
    this.#capacity = capacity;
    this.#exact = new PlainScan(dims);
    this.#graph = new module.HierarchicalNSW('cosine', dims, '');
    const { fan = FAN_DEFAULT, buildBreadth = BUILD_BREADTH_DEFAULT } = options;
    this.#graph.initIndex(capacity, fan, buildBreadth, SEED);
  }

  get slots(): number {
    return this.#exact.slots;
  }

  get linked(): number {
    return this.#linked;
  }

  add(vector: Int8Array): number {
    if (this.slots === this.#capacity) throw new RangeError('vector engine is full');
    return this.#exact.add(vector);
  }

  remove(slot: number): void {
    this.#exact.remove(slot);
  }

  /** A removed or zero vector is passed over: it can be near nothing. */
  link(count: number): number {
    const end = Math.min(this.#linked + count, this.slots);
    const done = end - this.#linked;
    for (; this.#linked < end; this.#linked++) {
      const vector = this.#exact.vectorAt(this.#linked);
      if (this.#exact.isRemoved(this.#linked) || vector.every((value) => value === 0)) continue;
      this.#graph.addPoint(Float32Array.from(vector), this.#linked, false);
    }
    return done;
  }

  scan(query: Int8Array, k: number, allowed: Bitmap, from = 0): Neighbours {
    return this.#exact.scan(query, k, allowed, from);
  }

  graph(query: Int8Array, k: number, allowed: Bitmap, ef: number): Neighbours {
    const count = this.#graph.getCurrentCount();
    if (count === 0) return { slots: new Uint32Array(0), cosines: new Float64Array(0) };
    this.#graph.setEfSearch(Math.max(ef, k));
    const passes = (slot: number) => hasBit(allowed, slot) && !this.#exact.isRemoved(slot);
    const point = Float32Array.from(query);
    const { neighbors } = this.#graph.searchKnn(point, Math.min(k, count), passes);
    const slots = Uint32Array.from(neighbors);
    return byCosine(slots, this.cosines(query, slots));
  }

  vectorAt(slot: number): Int8Array {
    return this.#exact.vectorAt(slot);
  }

  cosines(query: Int8Array, slots: Uint32Array): Float64Array {
    return this.#exact.cosines(query, slots);
  }

  save(writer: SectionWriter): void {
    this.#exact.save(writer);
    writer.numbers('hnswlib.figures', [this.#linked]);
    this.#graph.writeIndex(FILE);
    const bytes = this.#module.memfs.readFile(PATH);
    this.#module.memfs.unlink(PATH);
    writer.add('hnswlib.graph', [bytes]);
  }

  /** hnswlib trusts its file, so only bytes that pass their checksum get as far as it. */
  async load(reader: SectionReader): Promise<void> {
    await this.#exact.load(reader);
    const [linked = 0] = await reader.numbers('hnswlib.figures', 1);
    const bytes = new Uint8Array(reader.peek('hnswlib.graph'));
    await reader.into('hnswlib.graph', [bytes]);
    if (linked > this.slots || this.slots > this.#capacity) {
      throw new SnapshotFault('other-shape', `${this.slots} slots, ${linked} linked`);
    }
    this.#module.memfs.writeFile(PATH, bytes);
    this.#graph.readIndex(FILE, this.#capacity);
    this.#module.memfs.unlink(PATH);
    this.#linked = linked;
  }
}
