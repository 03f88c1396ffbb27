import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Int8Hnsw, quantise } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { type BenchResult, quantile } from './report.ts';
import { clusteredVectors, type Difficulty, type VectorSet } from './search-data.ts';
import { peerClass, peerModule } from './search-peers.ts';

const K = 10;
const QUERIES = 200;
const ROUNDS = 7;
const RECALL = 0.95;
const BREADTHS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
const FAN = 16;
const BUILD_BREADTH = 200;
const CACHE = new URL('./.cache/', import.meta.url);

/** An index over the base vectors: the ten nearest of query `i` at a breadth. */
interface Contender {
  readonly name: string;
  readonly search: (query: number, breadth: number) => ArrayLike<number>;
}

interface Measured {
  readonly us: number;
  readonly recall: number;
}

/** µs of CPU a query at recall@10 ≥ .95, ours beside each peer that is installed. */
export async function measureEngine(
  size: number,
  dims: number,
  difficulty: Difficulty,
  note: (line: string) => void,
): Promise<{ results: BenchResult[]; missing: string[] }> {
  const name = `${size}x${dims}.${difficulty}`;
  note(`engine ${name}: data and truth`);
  const set = clusteredVectors(size, dims, difficulty, QUERIES);
  const { truth, bruteUs } = exactNearest(set);
  note(`engine ${name}: building ours`);
  const own = await ownEngine(set, dims);
  const peers: Contender[] = [];
  const missing: string[] = [];
  for (const [peer, make] of PEERS) {
    note(`engine ${name}: building ${peer}`);
    const contender = make(set, dims, `${name}.${peer}`);
    if (contender === undefined) missing.push(peer);
    else peers.push(contender);
  }
  const [ours, ...others] = interleave([own.contender, ...peers], truth);
  if (ours === undefined) throw new Error('nothing measured');
  const vs = Object.fromEntries(
    others.map(({ us }, i) => [peers[i]?.name ?? '', round(ours.us / us)]),
  );
  const results: BenchResult[] = [
    {
      name: `engine.${name}.us`,
      value: round(ours.us),
      unit: 'us',
      better: 'lower',
      vs: { ...vs, brute: round(ours.us / bruteUs) },
    },
    { name: `engine.${name}.recall`, value: round(ours.recall), unit: '1', better: 'higher' },
    { name: `engine.${name}.build_s`, value: round(own.buildS), unit: 's', better: 'lower' },
    {
      name: `engine.${name}.bytes_per_card`,
      value: Math.round(own.bytes / size),
      unit: 'B',
      better: 'lower',
    },
  ];
  return { results, missing };
}

async function ownEngine({ base, queries }: VectorSet, dims: number) {
  const module = await loadInt8Hnsw();
  const engine = new Int8Hnsw({ module, dims, capacity: base.length });
  const before = process.cpuUsage();
  for (const vector of base) engine.add(quantise(vector));
  engine.link(base.length);
  const buildS = process.cpuUsage(before).user / 1e6;
  const allowed = new Uint8Array(((base.length + 63) >>> 6) << 3).fill(255);
  const rounded = queries.map(quantise);
  const search = (query: number, breadth: number) =>
    engine.graph(rounded[query] ?? new Int8Array(dims), K, allowed, breadth).slots;
  return { contender: { name: 'ours', search }, buildS, bytes: engine.memoryBytes };
}

type MakePeer = (set: VectorSet, dims: number, cache: string) => Contender | undefined;

const PEERS: readonly [string, MakePeer][] = [
  ['hnswlib-node', hnswlibNode],
  ['usearch', usearch],
];

interface HnswlibNodeIndex {
  initIndex(size: number, fan: number, buildBreadth: number, seed: number): void;
  addPoint(point: number[], label: number): void;
  setEf(ef: number): void;
  searchKnn(query: number[], k: number): { neighbors: number[] };
  writeIndexSync(file: string): void;
  readIndexSync(file: string): void;
}

function hnswlibNode({ base, queries }: VectorSet, dims: number, cache: string) {
  const module = peerModule('hnswlib-node');
  if (module === undefined) return undefined;
  const index = new (peerClass<HnswlibNodeIndex>(module, 'HierarchicalNSW'))('cosine', dims);
  const file = fileURLToPath(new URL(`${cache}.bin`, CACHE));
  if (existsSync(file)) {
    index.readIndexSync(file);
  } else {
    index.initIndex(base.length, FAN, BUILD_BREADTH, 100);
    for (const [i, vector] of base.entries()) index.addPoint(Array.from(vector), i);
    mkdirSync(CACHE, { recursive: true });
    index.writeIndexSync(file);
  }
  const points = queries.map((query) => Array.from(query));
  return {
    name: 'hnswlib-node',
    search: (query: number, breadth: number) => {
      index.setEf(breadth);
      return index.searchKnn(points[query] ?? [], K).neighbors;
    },
  };
}

interface UsearchIndex {
  add(keys: BigUint64Array, vectors: Float32Array): void;
  search(query: Float32Array, k: number, threads: number): { keys: BigUint64Array };
}

/** usearch fixes its breadth when it is made: one that reaches the recall on most data. */
function usearch({ base, queries }: VectorSet, dims: number): Contender | undefined {
  const module = peerModule('usearch');
  if (module === undefined) return undefined;
  const options = {
    metric: 'cos',
    dimensions: dims,
    quantization: 'i8',
    connectivity: FAN,
    expansion_add: BUILD_BREADTH,
    expansion_search: 64,
  };
  const index = new (peerClass<UsearchIndex>(module, 'Index'))(options);
  for (const [i, vector] of base.entries()) index.add(BigUint64Array.of(BigInt(i)), vector);
  const search = (query: number) => {
    const { keys } = index.search(queries[query] ?? new Float32Array(dims), K, 1);
    return Array.from(keys, Number);
  };
  return { name: 'usearch', search };
}

/** The ten nearest by plain float32 arithmetic, and what that costs a query. */
function exactNearest({ base, queries }: VectorSet): { truth: Set<number>[]; bruteUs: number } {
  const before = process.cpuUsage();
  const truth = queries.map((query) => {
    const best: { slot: number; dot: number }[] = [];
    base.forEach((vector, slot) => {
      let dot = 0;
      for (let i = 0; i < vector.length; i++) dot += (vector[i] ?? 0) * (query[i] ?? 0);
      if (best.length === K && dot <= (best[K - 1]?.dot ?? 0)) return;
      best.push({ slot, dot });
      best.sort((a, b) => b.dot - a.dot);
      best.length = Math.min(best.length, K);
    });
    return new Set(best.map(({ slot }) => slot));
  });
  return { truth, bruteUs: process.cpuUsage(before).user / queries.length };
}

/** Each contender at its least sufficient breadth, timed in turns so that noise hits all. */
function interleave(contenders: readonly Contender[], truth: readonly Set<number>[]): Measured[] {
  const chosen = contenders.map((contender) => {
    const recalls = BREADTHS.map((breadth) => () => recallOf(contender, breadth, truth));
    for (const [i, measure] of recalls.entries()) {
      const recall = measure();
      const breadth = BREADTHS[i] ?? 0;
      if (recall >= RECALL || i === BREADTHS.length - 1) return { contender, breadth, recall };
    }
    return { contender, breadth: 0, recall: 0 };
  });
  const times = chosen.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    chosen.forEach(({ contender, breadth }, i) => {
      const before = process.cpuUsage();
      for (let query = 0; query < truth.length; query++) contender.search(query, breadth);
      times[i]?.push(process.cpuUsage(before).user / truth.length);
    });
  }
  return chosen.map(({ recall }, i) => ({ us: quantile(times[i] ?? [], 0.5), recall }));
}

function recallOf(contender: Contender, breadth: number, truth: readonly Set<number>[]): number {
  let hits = 0;
  truth.forEach((nearest, query) => {
    for (const slot of Array.from(contender.search(query, breadth))) {
      if (nearest.has(slot)) hits += 1;
    }
  });
  return hits / (truth.length * K);
}

/** Three significant digits. */
export function round(value: number): number {
  return Number(value.toPrecision(3));
}

/** Bytes kept between runs; made once. */
export async function cached(name: string, make: () => Promise<Buffer>): Promise<Buffer> {
  const file = new URL(name, CACHE);
  if (existsSync(file)) return readFileSync(file);
  const bytes = await make();
  mkdirSync(CACHE, { recursive: true });
  writeFileSync(file, bytes);
  return bytes;
}
