/**
 * A hundred thousand cards in one workerd isolate: the real worker loads their snapshot from the
 * directory and answers, while the inspector is asked what the isolate holds.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from '../scripts/start/child.ts';
import { freePort } from '../scripts/start/state.ts';
import { startWorkerEdge } from '../scripts/start/worker-edge.ts';
import { watchIsolate } from './inspector.ts';
import { type BenchResult, quantile } from './report.ts';
import { round } from './search-cache.ts';
import { syntheticCards } from './search-data.ts';
import { prepareDirectory, snapshotOf } from './search-directory.ts';

const QUERIES = 200;
/** Requests under way at a time. */
const AT_ONCE = 32;
const MIB = 2 ** 20;

type Note = (line: string) => void;

/** `workerd.100k.*`: JavaScript heap, array buffers and wasm memory at their peak, and at the end. */
export async function measureWorkerd(note: Note): Promise<BenchResult[]> {
  const state = await mkdtemp(join(tmpdir(), 'zs-workerd-'));
  const children: Child[] = [];
  const started = (child: Child) => {
    children.push(child);
  };
  try {
    const { bytes, wasmBytes } = await snapshotOf(note);
    await prepareDirectory(state, started, bytes);
    note('workerd: starting');
    const inspectorPort = await freePort(9_300);
    const edge = startWorkerEdge(state, 21_500, started, { inspectorPort });
    edge.catch(() => undefined);
    const isolate = await watchIsolate(inspectorPort);
    const url = await edge;
    const loadMs = Date.now() - isolate.startedAt;
    note('workerd: asking');
    const times = await ask(url);
    const peak = await isolate.close();
    note(`workerd: ${JSON.stringify(mebibytes({ ...peak.at, wasmBytes }))} MiB at the peak`);
    const mib = { unit: 'MiB', better: 'lower' } as const;
    return [
      { name: 'workerd.100k.mib', value: round((peak.bytes + wasmBytes) / MIB), ...mib },
      {
        name: 'workerd.100k.settled_mib',
        value: round((peak.lastBytes + wasmBytes) / MIB),
        ...mib,
      },
      { name: 'workerd.100k.load_ms', value: round(loadMs), unit: 'ms', better: 'lower' },
      {
        name: 'workerd.100k.http.p50_ms',
        value: round(quantile(times, 0.5)),
        unit: 'ms',
        better: 'lower',
      },
    ];
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(state, { recursive: true, force: true });
  }
}

/** Milliseconds of each answer: half of them are asked many at a time, then one by one. */
async function ask(url: string): Promise<number[]> {
  const { queries } = syntheticCards(1, QUERIES);
  const search = async (text: string) => {
    const start = performance.now();
    const response = await fetch(`${url}/v1/search`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ text, k: 10, filters: { regions: ['eu', 'us'] }, explain: true }),
    });
    const { results, partial } = (await response.json()) as {
      results?: unknown[];
      partial?: boolean;
    };
    if (partial === true || results?.length !== 10) throw new Error(`answer ${response.status}`);
    return performance.now() - start;
  };
  const half = queries.length / 2;
  for (let at = 0; at < half; at += AT_ONCE) {
    await Promise.all(queries.slice(at, Math.min(at + AT_ONCE, half)).map(search));
  }
  const times: number[] = [];
  for (const text of queries.slice(half)) times.push(await search(text));
  await pause(500);
  return times;
}

function mebibytes(usage: object): Record<string, number> {
  return Object.fromEntries(
    Object.entries(usage).map(([name, bytes]) => [name, round(Number(bytes) / MIB)]),
  );
}
