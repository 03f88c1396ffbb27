/**
 * The edge from outside: search over HTTP, a warm task across processes, requests a second and
 * cold starts on each runtime, and the bundle (names and figures: docs/bench.md, suite edge).
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { runToEnd } from '../scripts/start/child.ts';
import { publishCards } from './edge-cards.ts';
import { load } from './edge-load.ts';
import { BUNDLE, RUNTIMES, type Runtime, startEdge, withState } from './edge-network.ts';
import { measureTasks } from './edge-task.ts';
import type { BenchOptions, BenchReport, BenchResult } from './report.ts';

const ROOT = join(import.meta.dirname, '..');
const CARDS = 1_000;
const CONNECTIONS = 16;
const LOAD_MS = 3_000;

type Note = (line: string) => void;

export async function run({ full, note }: BenchOptions): Promise<BenchReport> {
  const results: BenchResult[] = [];
  note('a warm task end to end');
  const tasks = full ? 2_000 : 200;
  results.push(
    ...(await withState(async (state, started) => {
      const { url } = await startEdge('node', state, started);
      return measureTasks({ url, state, started, tasks, note });
    })),
  );
  note('the bundle');
  results.push(await measureBundle());
  for (const runtime of RUNTIMES) {
    note(`the edge on ${runtime}`);
    results.push(...(await measureRuntime(runtime, note)));
  }
  const machine = `${cpus().length} cores, Node ${process.versions.node}`;
  return { suite: 'edge', machine, results, missing: [] };
}

/** Cold start, a card over keep-alive connections, and on Node the search over a full directory. */
function measureRuntime(runtime: Runtime, note: Note): Promise<BenchResult[]> {
  return withState(async (state, started) => {
    const { url, coldMs } = await startEdge(runtime, state, started);
    const isSearched = runtime === 'node';
    if (isSearched) note(`publishing ${CARDS} cards`);
    const { path, queries } = await publishCards(url, isSearched ? CARDS : 1);
    const one = { connections: CONNECTIONS, forMs: LOAD_MS };
    await load({ url: url + path, ...one, forMs: LOAD_MS / 3 });
    const cards = await load({ url: url + path, ...one });
    const results: BenchResult[] = [
      { name: `coldstart.${runtime}.ms`, value: round(coldMs), unit: 'ms', better: 'lower' },
      {
        name: `cards.get.rps.${runtime}`,
        value: Math.round(cards.perSecond),
        unit: '1/s',
        better: 'higher',
      },
    ];
    return isSearched ? [...(await measureSearch(url, queries)), ...results] : results;
  });
}

/** One caller after another on one connection: what a search takes, not how many fit. */
async function measureSearch(url: string, queries: readonly string[]): Promise<BenchResult[]> {
  const body = (n: number) => JSON.stringify({ text: queries[n % queries.length], k: 10 });
  const ask = { url: `${url}/v1/search`, method: 'POST', body, connections: 1 } as const;
  await load({ ...ask, forMs: LOAD_MS / 3 });
  const { p50Ms, p99Ms } = await load({ ...ask, forMs: LOAD_MS });
  return [
    { name: 'search.http.p50_ms', value: round(p50Ms), unit: 'ms', better: 'lower' },
    { name: 'search.http.p99_ms', value: round(p99Ms), unit: 'ms', better: 'lower' },
  ];
}

/** What is deployed, gzipped; also what workerd is measured with. */
async function measureBundle(): Promise<BenchResult> {
  rmSync(BUNDLE, { recursive: true, force: true });
  await runToEnd({
    name: 'wrangler deploy --dry-run',
    command: join(ROOT, 'node_modules/.bin/wrangler'),
    args: ['deploy', '--dry-run', '--config', join(ROOT, 'wrangler.toml'), '--outdir', BUNDLE],
    env: { CI: 'true', WRANGLER_SEND_METRICS: 'false' },
  });
  const bytes = readdirSync(BUNDLE)
    .filter((name) => !name.endsWith('.map') && name !== 'README.md')
    .reduce(
      (sum, name) => sum + gzipSync(readFileSync(join(BUNDLE, name)), { level: 9 }).length,
      0,
    );
  return { name: 'bundle.gz_kib', value: round(bytes / 1024), unit: 'KiB', better: 'lower' };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
