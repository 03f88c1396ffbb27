import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import {
  CardIndex,
  type Embedder,
  Int8Hnsw,
  ngramHash384,
  quantise,
  type SearchQuery,
  type SearchResult,
} from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { type BenchResult, median, quantile } from './report.ts';
import { cached, round } from './search-cache.ts';
import { seeded, syntheticCards } from './search-data.ts';
import { measureLoads } from './search-load.ts';

const QUERIES = 500;
const ROUNDS = 5;
const CHUNK = 1 << 20;
const SIGNALS = Object.assign(() => ({ online: true, score: 0.5, tasks: 3 }), { version: 1 });
const WASM = new URL('../packages/discovery/wasm/int8-hnsw.wasm', import.meta.url);
const ENGINE = createHash('sha256').update(readFileSync(WASM)).digest('hex').slice(0, 8);

/** Stands in for an encoder of 128 dims whose own cost the encoder's bench measures. */
const semantic: Embedder = {
  id: 'bench-128',
  dims: 128,
  embed: async (texts) =>
    texts.map((text) => {
      const random = seeded(createHash('sha256').update(text).digest().readInt32LE() || 1);
      return quantise(Float64Array.from({ length: 128 }, () => random() - 0.5));
    }),
};

/** A whole request in process: embed, both indexes, filter, fuse, serialise. */
export async function measureRequests(
  size: number,
  label: string,
  note: (line: string) => void,
): Promise<BenchResult[]> {
  const { cards, queries } = syntheticCards(size, QUERIES);
  const module = await loadInt8Hnsw();
  const made: Int8Hnsw[] = [];
  const engine = (dims: number, capacity: number) => {
    const one = new Int8Hnsw({ module, dims, capacity });
    made.push(one);
    return one;
  };
  const fresh = () => new CardIndex({ embedder: ngramHash384, semantic, engine });
  const name = `cards-${size}.${ENGINE}.v3.bin`;
  const bytes = await cached(name, async () => {
    note(`request ${label}: building`);
    const index = fresh();
    await index.upsertAll(cards, 1);
    index.link(size);
    index.calibrate();
    return Buffer.concat(index.snapshots().flatMap((chunks) => [...chunks]));
  });
  note(`request ${label}: loading and asking`);
  const loads = await measureLoads(name, label);
  const index = fresh();
  const answer = await index.restore([chunksOf(bytes)]);
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  const plain = await timeRequests(index, queries, {});
  const filtered = await timeRequests(index, queries, { filters: { region: 'eu', online: true } });
  const planner = size < 100_000 ? [] : [await plannerRatio(made.at(-1), queries)];
  const meant = size < 100_000 ? [] : await withMeaning(index, fresh, queries, note);
  return [
    ...loads,
    {
      name: `snapshot.${label}.mib`,
      value: round(bytes.length / 2 ** 20),
      unit: 'MiB',
      better: 'lower',
    },
    ...figures(`request.${label}`, plain),
    ...figures(`request.${label}.filtered`, filtered),
    ...planner,
    ...meant,
  ];
}

interface Timing {
  readonly p50: number;
  readonly p99: number;
  readonly cpu: number;
}

function figures(name: string, { p50, p99, cpu }: Timing): BenchResult[] {
  const ms = { unit: 'ms', better: 'lower' } as const;
  return [
    { name: `${name}.p50_ms`, value: round(p50), ...ms },
    { name: `${name}.p99_ms`, value: round(p99), ...ms },
    { name: `${name}.cpu_ms`, value: round(cpu), ...ms },
  ];
}

/**
 * Time on the wall a request, and the mean CPU of one: the kernel counts CPU too coarsely for
 * percentiles. Each figure is the median of rounds.
 */
async function timeRequests(
  index: CardIndex,
  queries: readonly string[],
  more: Partial<SearchQuery>,
): Promise<Timing> {
  const ask = async (text: string) => {
    const answer = await index.search({ text, now: 1, ...more }, SIGNALS);
    if (!answer.ok) throw new Error(answer.code);
    return JSON.stringify({ ...answer, results: answer.results.map(onTheWire) });
  };
  for (const text of [...queries, ...queries]) await ask(text);
  const rounds: Timing[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const times: number[] = [];
    const before = process.cpuUsage();
    for (const text of queries) {
      const start = performance.now();
      await ask(text);
      times.push(performance.now() - start);
    }
    const { user, system } = process.cpuUsage(before);
    rounds.push({
      p50: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      cpu: (user + system) / 1_000 / queries.length,
    });
  }
  return {
    p50: median(rounds.map(({ p50 }) => p50)),
    p99: median(rounds.map(({ p99 }) => p99)),
    cpu: median(rounds.map(({ cpu }) => cpu)),
  };
}

/** The same with a semantic vector for every card: three signals, two graphs. */
async function withMeaning(
  index: CardIndex,
  fresh: () => CardIndex,
  queries: readonly string[],
  note: (line: string) => void,
): Promise<BenchResult[]> {
  const bytes = await cached(`cards-${index.size}.semantic.${ENGINE}.v3.bin`, async () => {
    note('request 100k: adding semantic vectors');
    const missing = index.withoutSemantic(index.size);
    const vectors = await semantic.embed(missing.map(({ key }) => key));
    await index.attach(missing.map((card, i) => ({ ...card, vectors: vectors.slice(i, i + 1) })));
    index.link(missing.length);
    index.calibrate();
    return Buffer.concat(index.snapshots().flatMap((chunks) => [...chunks]));
  });
  const three = fresh();
  const answer = await three.restore([chunksOf(bytes)]);
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail}`);
  return figures('request.100k.semantic', await timeRequests(three, queries, {}));
}

/** A result as the edge's route writes it: amounts are decimal strings. */
function onTheWire({ price, skills, ...result }: SearchResult): object {
  const { base, perMgas, perPage } = price;
  return {
    ...result,
    skills: skills.map(({ id }) => id),
    price: { base: String(base), per_mgas: String(perMgas), per_page: String(perPage) },
  };
}

/** What the planner goes by: cards scanned in the time of one unit of a walk's breadth. */
async function plannerRatio(
  engine: Int8Hnsw | undefined,
  queries: readonly string[],
): Promise<BenchResult> {
  if (engine === undefined) throw new Error('no engine was made');
  const vectors = await ngramHash384.embed(queries.slice(0, 40));
  const tenth = new Uint8Array(((engine.slots + 63) >>> 6) << 3);
  const random = seeded(3);
  let passing = 0;
  for (let slot = 0; slot < engine.slots; slot++) {
    if (random() >= 0.1) continue;
    tenth[slot >>> 3] = (tenth[slot >>> 3] ?? 0) | (1 << (slot & 7));
    passing += 1;
  }
  const half = new Uint8Array(tenth.length).fill(0x55);
  const timed = (run: (vector: Int8Array) => void) => {
    const before = process.cpuUsage();
    vectors.forEach(run);
    return process.cpuUsage(before).user / vectors.length;
  };
  const ratios = Array.from({ length: ROUNDS }, () => {
    const scan = timed((vector) => engine.scan(vector, 200, tenth)) / passing;
    const walk = timed((vector) => engine.graph(vector, 200, half, 200)) / (200 * 2 ** 0.75);
    return walk / scan;
  });
  return {
    name: 'planner.cards_per_breadth',
    value: round(median(ratios)),
    unit: '1',
    better: 'higher',
  };
}

function* chunksOf(bytes: Buffer): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK) yield bytes.subarray(at, at + CHUNK);
}
