/** Searches of a hundred thousand cards over HTTP, on each runtime that runs as a process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from '../scripts/start/child.ts';
import { type ProcessRuntime, startProcessEdge } from '../scripts/start/edge.ts';
import { startDatabases } from '../scripts/start/worker-edge.ts';
import { type BenchResult, quantile } from './report.ts';
import { round } from './search-cache.ts';
import { syntheticCards } from './search-data.ts';
import { prepareDirectory, snapshotOf } from './search-directory.ts';

const RUNTIMES: readonly ProcessRuntime[] = ['node', 'bun', 'deno'];
const QUERIES = 200;
const PORT = 21_600;
const LOAD_MS_MAX = 30_000;

/** `request.100k.http.{p50,p99}_ms.*`, one request at a time. */
export async function measureHttp(note: (line: string) => void): Promise<BenchResult[]> {
  const state = await mkdtemp(join(tmpdir(), 'zs-served-'));
  const children: Child[] = [];
  const started = (child: Child) => {
    children.push(child);
  };
  try {
    const { bytes } = await snapshotOf(note);
    await prepareDirectory(state, started, bytes);
    const settings = { ...(await startDatabases(state, started)), LOG_LEVEL: 'warn' };
    const results: BenchResult[] = [];
    for (const runtime of RUNTIMES) {
      note(`http: ${runtime}`);
      const url = await startProcessEdge(state, PORT, started, { runtime, settings });
      await isLoaded(url);
      const { queries } = syntheticCards(1, QUERIES);
      for (const text of queries) await search(url, text);
      const times: number[] = [];
      for (const text of queries) times.push((await search(url, text)).ms);
      const ms = { unit: 'ms', better: 'lower' } as const;
      results.push(
        {
          name: `request.100k.http.p50_ms.${runtime}`,
          value: round(quantile(times, 0.5)),
          ...ms,
        },
        { name: `request.100k.http.p99_ms.${runtime}`, value: round(quantile(times, 0.99)), ...ms },
      );
      await children.pop()?.stop();
    }
    return results;
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(state, { recursive: true, force: true });
  }
}

/** Until then answers say that they are partial. */
async function isLoaded(url: string): Promise<void> {
  const until = performance.now() + LOAD_MS_MAX;
  while ((await search(url, 'agent')).isPartial) {
    if (performance.now() > until) throw new Error('the edge did not load its index');
    await pause(50);
  }
}

async function search(url: string, text: string): Promise<{ ms: number; isPartial: boolean }> {
  const start = performance.now();
  const response = await fetch(`${url}/v1/search`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text, k: 10 }),
  });
  // Checked border: the answer of an edge of this repository.
  const { results, partial } = (await response.json()) as { results?: unknown[]; partial?: true };
  if (results === undefined) throw new Error(`answer ${response.status}`);
  if (partial !== true && results.length !== 10) throw new Error(`${results.length} results`);
  return { ms: performance.now() - start, isPartial: partial === true };
}
