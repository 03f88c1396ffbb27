import type { BenchOptions, BenchReport, BenchResult } from './report.ts';
import { round } from './search-cache.ts';
import type { DataShape } from './search-data.ts';
import { LIBSQL_CARDS, libsqlVectors, postgresFullText } from './search-databases.ts';
import { buildIndexes, measureEngine } from './search-engines.ts';
import { measureHttp } from './search-http.ts';
import { measureMillion } from './search-million.ts';
import { measureQuality } from './search-quality.ts';
import { measureRequests } from './search-request.ts';
import { measureWorkerd } from './search-workerd.ts';

const ENGINES: readonly DataShape[] = [
  { size: 100_000, dims: 128, difficulty: 'easy' },
  { size: 100_000, dims: 384, difficulty: 'easy' },
  { size: 100_000, dims: 384, difficulty: 'hard' },
];
const HARD_128: DataShape = { size: 100_000, dims: 128, difficulty: 'hard' };

/** Discovery: ranking quality, the vector engine beside its peers, and a whole request. */
export async function run({ full, note }: BenchOptions): Promise<BenchReport> {
  const quality = await measureQuality(note);
  const results: BenchResult[] = [...quality.results];
  const missing = new Set(quality.missing);
  for (const [size, label] of [
    [1_000, '1k'],
    [10_000, '10k'],
    [100_000, '100k'],
  ] as const) {
    const requests = await measureRequests(size, label, note);
    const beside = await databases(size, note);
    if (!('postgres' in beside)) missing.add('postgres');
    results.push(...requests.map((one) => withVs(one, `request.${label}.p50_ms`, beside)));
  }
  const shapes = full ? [...ENGINES, HARD_128] : ENGINES;
  await buildIndexes(shapes, note);
  for (const shape of shapes) {
    const measured = await measureEngine(shape, note);
    results.push(...measured.results);
    for (const peer of measured.missing) missing.add(peer);
  }
  results.push(...(await measureHttp(note)));
  results.push(...(await measureWorkerd(note)));
  if (full) results.push(...(await measureMillion(note)));
  return { suite: 'search', machine: '', results, missing: [...missing] };
}

/** ms of the same queries in a database: libSQL's vectors at 10k, PostgreSQL's words at all. */
async function databases(
  size: number,
  note: (line: string) => void,
): Promise<Record<string, number>> {
  const postgres = await postgresFullText(size, note);
  const libsql = size === LIBSQL_CARDS ? await libsqlVectors(note) : null;
  return {
    ...(postgres === null ? {} : { postgres }),
    ...(libsql === null ? {} : { 'libsql-vector': libsql }),
  };
}

function withVs(result: BenchResult, name: string, peers: Record<string, number>): BenchResult {
  if (result.name !== name) return result;
  const ratios = Object.entries(peers).map(([peer, ms]) => [peer, round(result.value / ms)]);
  return { ...result, vs: Object.fromEntries(ratios) };
}
