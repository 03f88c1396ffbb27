import { Int8Hnsw, quantise } from '@zerostate/discovery';
import { loadInt8Hnsw } from '@zerostate/discovery/load';
import { type BenchResult, quantile } from './report.ts';
import { round } from './search-cache.ts';
import { clusters } from './search-data.ts';

const CARDS = 1_000_000;
const SHARD = 100_000;
const DIMS = 128;
const QUERIES = 200;
const K = 10;
const BREADTH = 32;

/** A million vectors in ten shards that are all asked and merged: what `--full` adds. */
export async function measureMillion(note: (line: string) => void): Promise<BenchResult[]> {
  const module = await loadInt8Hnsw();
  const draw = clusters(CARDS, DIMS, 'easy');
  const before = process.cpuUsage();
  const shards = Array.from({ length: CARDS / SHARD }, (_, i) => {
    note(`million: shard ${i + 1} of ${CARDS / SHARD}`);
    const engine = new Int8Hnsw({ module, dims: DIMS, capacity: SHARD });
    for (let slot = 0; slot < SHARD; slot++) engine.add(quantise(draw()));
    engine.link(SHARD);
    return engine;
  });
  const buildS = process.cpuUsage(before).user / 1e6;
  const queries = Array.from({ length: QUERIES }, () => quantise(draw()));
  const allowed = new Uint8Array(((SHARD + 63) >>> 6) << 3).fill(255);
  const merged = (ask: (engine: Int8Hnsw) => ReturnType<Int8Hnsw['scan']>) =>
    shards
      .flatMap((engine, shard) => {
        const { slots, cosines } = ask(engine);
        return Array.from(slots, (slot, i) => ({
          card: shard * SHARD + slot,
          cosine: cosines[i] ?? 0,
        }));
      })
      .sort((a, b) => b.cosine - a.cosine)
      .slice(0, K)
      .map(({ card }) => card);
  const times: number[] = [];
  let hits = 0;
  for (const query of queries) {
    const start = performance.now();
    const found = merged((engine) => engine.graph(query, K, allowed, BREADTH));
    times.push(performance.now() - start);
    const exact = merged((engine) => engine.scan(query, K, allowed));
    hits += exact.filter((card) => found.includes(card)).length;
  }
  const bytes = shards.reduce((total, { memoryBytes }) => total + memoryBytes, 0);
  return [
    {
      name: 'million.p50_ms',
      value: round(quantile(times, 0.5)),
      unit: 'ms',
      better: 'lower',
    },
    { name: 'million.recall', value: round(hits / (QUERIES * K)), unit: '1', better: 'higher' },
    { name: 'million.mib', value: round(bytes / 2 ** 20), unit: 'MiB', better: 'lower' },
    { name: 'million.build_s', value: round(buildS), unit: 's', better: 'lower' },
  ];
}
