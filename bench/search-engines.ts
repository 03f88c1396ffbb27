import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { type BenchResult, median } from './report.ts';
import { cached, isCached, kept, round } from './search-cache.ts';
import { CONTENDERS, type Contender, indexName, K } from './search-contenders.ts';
import { clusteredVectors, type DataShape, datasetName, type VectorSet } from './search-data.ts';

const QUERIES = 200;
const ROUNDS = 15;
const RECALL = 0.95;
const BREADTHS = [
  10, 12, 14, 16, 20, 24, 28, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
  448, 512,
];
const WASM_SIZE_MAX = 128;

/** The contenders of a data set: hnswlib-wasm at 128 dims only, where it fits its memory. */
function contendersFor({ dims }: DataShape): string[] {
  return Object.keys(CONTENDERS).filter((name) => name !== 'hnswlib-wasm' || dims <= WASM_SIZE_MAX);
}

/** Builds what is not kept yet, as many at a time as there are cores. */
export async function buildIndexes(
  shapes: readonly DataShape[],
  note: (line: string) => void,
): Promise<void> {
  const wanted = shapes.flatMap((shape) =>
    contendersFor(shape)
      .filter((name) => CONTENDERS[name]?.present())
      .filter((name) => !isCached(`${indexName(name, datasetName(shape))}.json`))
      .map((name) => [name, `${shape.size}`, `${shape.dims}`, shape.difficulty]),
  );
  const build = async () => {
    for (let args = wanted.shift(); args !== undefined; args = wanted.shift()) {
      note(`engine: building ${args.join(' ')}`);
      await runBuild(args);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, build));
}

function runBuild(args: readonly string[]): Promise<void> {
  const entry = fileURLToPath(new URL('./search-build.ts', import.meta.url));
  const child = spawn(process.execPath, [entry, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) => {
      if (code === 0) resolve();
      else reject(new Error(`building ${args.join(' ')} ended with ${code}`));
    });
  });
}

interface Chosen extends Contender {
  readonly name: string;
  readonly breadth: number;
  readonly recall: number;
}

/** µs of CPU a query at recall@10 ≥ .95, ours beside each peer that is installed. */
export async function measureEngine(
  shape: DataShape,
  note: (line: string) => void,
): Promise<{ results: BenchResult[]; missing: string[] }> {
  const dataset = datasetName(shape);
  note(`engine ${dataset}: data and truth`);
  const set = clusteredVectors(shape.size, shape.dims, shape.difficulty, QUERIES);
  const { truth, bruteUs } = await exactNearest(set, dataset);
  const wanted = contendersFor(shape);
  const names = wanted.filter((name) => isCached(`${indexName(name, dataset)}.json`));
  const chosen: Chosen[] = [];
  for (const name of names) {
    const kind = CONTENDERS[name];
    if (kind === undefined) continue;
    const contender = await kind.open(set.queries, shape.dims, indexName(name, dataset));
    chosen.push({ name, ...contender, ...leastBreadth(contender, truth) });
    note(`engine ${dataset}: ${name} at breadth ${chosen.at(-1)?.breadth}`);
  }
  const results = report(dataset, shape, chosen, timeInTurns(chosen), bruteUs);
  return { results, missing: wanted.filter((name) => !names.includes(name)) };
}

function report(
  dataset: string,
  { size }: DataShape,
  chosen: readonly Chosen[],
  times: readonly number[][],
  bruteUs: number,
): BenchResult[] {
  const ours = times[0] ?? [];
  const vs = Object.fromEntries(
    chosen.slice(1).map(({ name }, i) => {
      // Ratios of the same turn: what slows one contender down slows the other as well.
      const ratios = ours.map((us, turn) => us / (times[i + 1]?.[turn] ?? Number.NaN));
      return [name, round(median(ratios))];
    }),
  );
  const us = median(ours);
  const own = chosen[0];
  const buildS = (name: string) => {
    const built = JSON.parse(String(kept(`${indexName(name, dataset)}.json`))) as {
      buildS: number;
    };
    return built.buildS;
  };
  const built = buildS('ours');
  const buildVs = chosen.slice(1).map(({ name }) => [name, round(built / buildS(name))]);
  return [
    {
      name: `engine.${dataset}.us`,
      value: round(us),
      unit: 'us',
      better: 'lower',
      vs: { ...vs, brute: round(us / bruteUs) },
    },
    {
      name: `engine.${dataset}.recall`,
      value: round(own?.recall ?? 0),
      unit: '1',
      better: 'higher',
    },
    {
      name: `engine.${dataset}.build_s`,
      value: round(built),
      unit: 's',
      better: 'lower',
      vs: Object.fromEntries(buildVs),
    },
    {
      name: `engine.${dataset}.bytes_per_card`,
      value: Math.round((own?.bytes ?? 0) / size),
      unit: 'B',
      better: 'lower',
    },
  ];
}

/** The ten nearest by plain float32 arithmetic, and what that costs a query. */
async function exactNearest(
  { base, queries }: VectorSet,
  dataset: string,
): Promise<{ truth: Set<number>[]; bruteUs: number }> {
  const bytes = await cached(`${dataset}.truth.v1.json`, async () => {
    const before = process.cpuUsage();
    const nearest = queries.map((query) => nearestOf(base, query));
    const bruteUs = process.cpuUsage(before).user / queries.length;
    return Buffer.from(JSON.stringify({ nearest, bruteUs }));
  });
  const { nearest, bruteUs } = JSON.parse(String(bytes)) as {
    nearest: number[][];
    bruteUs: number;
  };
  return { truth: nearest.map((slots) => new Set(slots)), bruteUs };
}

function nearestOf(base: readonly Float32Array[], query: Float32Array): number[] {
  const best: { slot: number; dot: number }[] = [];
  base.forEach((vector, slot) => {
    let dot = 0;
    for (let i = 0; i < vector.length; i++) dot += (vector[i] ?? 0) * (query[i] ?? 0);
    if (best.length === K && dot <= (best[K - 1]?.dot ?? 0)) return;
    best.push({ slot, dot });
    best.sort((a, b) => b.dot - a.dot);
    best.length = Math.min(best.length, K);
  });
  return best.map(({ slot }) => slot);
}

/** The least breadth that reaches the recall; the greatest when none does. */
function leastBreadth(contender: Contender, truth: readonly Set<number>[]) {
  let recall = 0;
  for (const breadth of BREADTHS) {
    recall = recallOf(contender, breadth, truth);
    if (recall >= RECALL) return { breadth, recall };
  }
  return { breadth: BREADTHS.at(-1) ?? 0, recall };
}

/** µs of CPU a query, turn by turn: each contender has its turn in every round. */
function timeInTurns(chosen: readonly Chosen[]): number[][] {
  const times = chosen.map((): number[] => []);
  for (let turn = -1; turn < ROUNDS; turn++) {
    chosen.forEach(({ search, breadth }, i) => {
      const before = process.cpuUsage();
      for (let query = 0; query < QUERIES; query++) search(query, breadth);
      const { user, system } = process.cpuUsage(before);
      // The first turn warms code and caches up.
      if (turn >= 0) times[i]?.push((user + system) / QUERIES);
    });
  }
  return times;
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
