/** The vector indexes that are measured side by side: how each is built, kept and asked. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Int8Hnsw, quantise } from '@zerostate/discovery';
import { loadHnswlib } from '@zerostate/discovery/hnswlib/load';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { buildHnswlib } from '../packages/discovery/scripts/build-hnswlib.ts';
import {
  type Section,
  SectionReader,
  SectionWriter,
} from '../packages/discovery/src/index/sections.ts';
import { cachePath, keep, kept } from './search-cache.ts';
import type { VectorSet } from './search-data.ts';
import { peerClass, peerModule } from './search-peers.ts';

export const K = 10;
/** The same graph for all: links a level and candidates looked at for each insertion. */
const FAN = 16;
const BUILD_BREADTH = 200;
const SEED = 100;

/** An index that can be asked for the ten nearest of query `i` at a breadth. */
export interface Contender {
  readonly search: (query: number, breadth: number) => ArrayLike<number>;
  /** Bytes it takes, where it says. */
  readonly bytes?: number;
}

export interface ContenderKind {
  /** Part of the name of what is kept: another version is built anew. */
  readonly version: string;
  /** Whether it is installed. */
  readonly present: () => boolean;
  /** Builds the index and keeps it under `name`. */
  readonly build: (base: VectorSet['base'], dims: number, name: string) => Promise<void>;
  readonly open: (queries: VectorSet['queries'], dims: number, name: string) => Promise<Contender>;
}

const WASM = new URL('../packages/discovery/wasm/int8-hnsw.wasm', import.meta.url);

const ours: ContenderKind = {
  version: createHash('sha256').update(readFileSync(WASM)).digest('hex').slice(0, 8),
  present: () => true,
  build: async (base, dims, name) => {
    const engine = new Int8Hnsw({ module: await loadInt8Hnsw(), dims, capacity: base.length });
    for (const vector of base) engine.add(quantise(vector));
    engine.link(base.length);
    const writer = new SectionWriter();
    engine.save(writer);
    keep(`${name}.sections`, JSON.stringify([base.length, writer.sections]));
    keep(name, Buffer.concat(writer.parts));
  },
  open: async (queries, dims, name) => {
    const [capacity, sections] = JSON.parse(String(kept(`${name}.sections`))) as [
      number,
      Section[],
    ];
    const engine = new Int8Hnsw({ module: await loadInt8Hnsw(), dims, capacity });
    const bytes = kept(name);
    let at = 0;
    await engine.load(
      new SectionReader(sections, async (target) => {
        target.set(bytes.subarray(at, at + target.length));
        at += target.length;
      }),
    );
    const allowed = new Uint8Array(((capacity + 63) >>> 6) << 3).fill(255);
    const rounded = queries.map(quantise);
    const search = (query: number, breadth: number) =>
      engine.graph(rounded[query] ?? new Int8Array(dims), K, allowed, breadth).slots;
    return { search, bytes: engine.memoryBytes };
  },
};

interface HnswlibNodeIndex {
  initIndex(size: number, fan: number, buildBreadth: number, seed: number): void;
  addPoint(point: number[], label: number): void;
  setEf(ef: number): void;
  searchKnn(query: number[], k: number): { neighbors: number[] };
  writeIndexSync(file: string): void;
  readIndexSync(file: string): void;
}

function hnswlibNodeIndex(dims: number): HnswlibNodeIndex {
  const module = peerModule('hnswlib-node') ?? {};
  return new (peerClass<HnswlibNodeIndex>(module, 'HierarchicalNSW'))('cosine', dims);
}

const hnswlibNode: ContenderKind = {
  version: '3.0.0',
  present: () => peerModule('hnswlib-node') !== undefined,
  build: async (base, dims, name) => {
    const index = hnswlibNodeIndex(dims);
    index.initIndex(base.length, FAN, BUILD_BREADTH, SEED);
    for (const [i, vector] of base.entries()) index.addPoint(Array.from(vector), i);
    index.writeIndexSync(cachePath(name));
  },
  open: async (queries, dims, name) => {
    const index = hnswlibNodeIndex(dims);
    index.readIndexSync(cachePath(name));
    const points = queries.map((query) => Array.from(query));
    const search = (query: number, breadth: number) => {
      index.setEf(breadth);
      return index.searchKnn(points[query] ?? [], K).neighbors;
    };
    return { search };
  },
};

const GRAPH_FILE = 'bench.hnsw';
/** hnswlib-wasm writes and reads under this directory of its file system. */
const GRAPH_PATH = `/hnswlib-index/${GRAPH_FILE}`;

async function hnswlibModule() {
  buildHnswlib(new URL('../packages/discovery/dist/hnswlib/', import.meta.url));
  return loadHnswlib();
}

const hnswlibWasm: ContenderKind = {
  version: '0.8.2',
  present: () => peerModule('hnswlib-wasm/package.json') !== undefined,
  build: async (base, dims, name) => {
    const module = await hnswlibModule();
    const index = new module.HierarchicalNSW('cosine', dims, '');
    index.initIndex(base.length, FAN, BUILD_BREADTH, SEED);
    for (const [i, vector] of base.entries()) index.addPoint(vector, i, false);
    index.writeIndex(GRAPH_FILE);
    keep(name, module.memfs.readFile(GRAPH_PATH));
  },
  open: async (queries, dims, name) => {
    const module = await hnswlibModule();
    module.memfs.writeFile(GRAPH_PATH, kept(name));
    const index = new module.HierarchicalNSW('cosine', dims, '');
    index.readIndex(GRAPH_FILE, SIZE_MAX);
    module.memfs.unlink(GRAPH_PATH);
    const search = (query: number, breadth: number) => {
      index.setEfSearch(breadth);
      return index.searchKnn(queries[query] ?? new Float32Array(dims), K, undefined).neighbors;
    };
    return { search };
  },
};

/** hnswlib-wasm takes memory for so many at once. */
const SIZE_MAX = 100_000;

interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array): void;
  search(query: Float32Array, k: number, threads: number): { keys: BigUint64Array };
  save(path: string): void;
  load(path: string): void;
}

function usearchIndex(dims: number, breadth: number): UsearchIndex {
  const options = {
    metric: 'cos',
    dimensions: dims,
    quantization: 'i8',
    connectivity: FAN,
    expansion_add: BUILD_BREADTH,
    expansion_search: breadth,
    multi: false,
  };
  return new (peerClass<UsearchIndex>(peerModule('usearch') ?? {}, 'Index'))(options);
}

const usearch: ContenderKind = {
  version: '2.26.2',
  present: () => peerModule('usearch') !== undefined,
  build: async (base, dims, name) => {
    const index = usearchIndex(dims, K);
    for (const [i, vector] of base.entries()) index.add(BigUint64Array.of(BigInt(i)), vector);
    index.save(cachePath(name));
  },
  open: async (queries, dims, name) => {
    // Its breadth is fixed when it is made, so there is one for each that is tried.
    const indexes = new Map<number, UsearchIndex>();
    const search = (query: number, breadth: number) => {
      let index = indexes.get(breadth);
      if (index === undefined) {
        index = usearchIndex(dims, breadth);
        index.load(cachePath(name));
        indexes.clear();
        indexes.set(breadth, index);
      }
      const { keys } = index.search(queries[query] ?? new Float32Array(dims), K, 1);
      return Array.from(keys, Number);
    };
    return { search };
  },
};

/** By the name that `vs` gives them. */
export const CONTENDERS: Record<string, ContenderKind> = {
  ours,
  'hnswlib-node': hnswlibNode,
  'hnswlib-wasm': hnswlibWasm,
  usearch,
};

/** What a contender's index over a data set is kept under. */
export function indexName(contender: string, dataset: string): string {
  return `${dataset}.${contender}.${CONTENDERS[contender]?.version}.v1.bin`;
}
