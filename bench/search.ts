import type { BenchOptions, BenchReport, BenchResult } from './report.ts';
import type { Difficulty } from './search-data.ts';
import { measureEngine } from './search-engines.ts';
import { measureQuality } from './search-quality.ts';
import { measureRequests } from './search-request.ts';

const ENGINES: readonly [number, number, Difficulty][] = [
  [100_000, 128, 'easy'],
  [100_000, 384, 'easy'],
  [100_000, 384, 'hard'],
];

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
    results.push(...(await measureRequests(size, label, note)));
  }
  const engines = full ? [...ENGINES, [100_000, 128, 'hard'] as const] : ENGINES;
  for (const [size, dims, difficulty] of engines) {
    const measured = await measureEngine(size, dims, difficulty, note);
    results.push(...measured.results);
    for (const peer of measured.missing) missing.add(peer);
  }
  return { suite: 'search', machine: '', results, missing: [...missing] };
}
