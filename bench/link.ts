/**
 * `npm run bench -- link`: ten thousand executors on one process of the edge, on Node and on Bun.
 * The executors are processes of their own with real keys, hellos, heartbeats and waits; beside the
 * edge a bare server of the same runtime holds as many sockets.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Child } from '../scripts/start/child.ts';
import { freePort } from '../scripts/start/state.ts';
import { withState } from './edge-network.ts';
import {
  type Held,
  type LinkRuntime,
  settledRssKib,
  startBare,
  startLinkEdge,
} from './link-process.ts';
import { Swarm } from './link-swarm.ts';
import { cpuMs } from './process-figures.ts';
import type { BenchOptions, BenchReport, BenchResult } from './report.ts';

const LINKS = 10_000;
/** Open before the first reading, so that what is loaded with the first link is not counted. */
const WARM_SHARE = 0.01;
/** Strangers that dial at once: keys that the edge has never seen are most of their price. */
const WAVE = 500;
const OPEN_MS_MAX = 120_000;
const SETTLE_MS = 3_000;
/** Two heartbeats of every executor. */
const BEATS_MS = 30_000;
const RUNTIMES: readonly LinkRuntime[] = ['node', 'bun'];

type Note = (line: string) => void;
type Run = { readonly links: number; readonly note: Note; readonly name: string };

export async function run({ note, links = LINKS, runtime }: BenchOptions): Promise<BenchReport> {
  const results: BenchResult[] = [];
  const swarm = await Swarm.of(links);
  try {
    for (const each of RUNTIMES.filter((name) => runtime === undefined || name === runtime)) {
      results.push(...(await measureRuntime(each, swarm, links, note)));
    }
  } finally {
    await swarm.stop();
  }
  return { suite: 'link', machine: '', results };
}

async function measureRuntime(
  runtime: LinkRuntime,
  swarm: Swarm,
  links: number,
  note: Note,
): Promise<BenchResult[]> {
  const bare = await withState(async (state, started) => {
    const held = await startBare(runtime, state, started);
    return idle(held, swarm, state, { links, note, name: `bare ${runtime}` });
  });
  await swarm.close();
  const [edge, storm] = await withState(async (state, started) => {
    const port = await freePort(0);
    const held = await startLinkEdge(runtime, state, port, started);
    const again = () => startLinkEdge(runtime, state, port, started, held.target);
    const about = { links, note, name: `edge on ${runtime}` };
    return [await idle(held, swarm, state, about), await restart(held.child, again, swarm, about)];
  });
  await swarm.close();
  const at = `${name(links)}`;
  const beside = (ours: number, theirs: number) => ({ vs: { bare: round(ours / theirs) } });
  return [
    {
      name: `idle${at}.rss_kib_per_link.${runtime}`,
      value: round(edge.kibPerLink),
      unit: 'KiB',
      better: 'lower',
      ...beside(edge.kibPerLink, bare.kibPerLink),
    },
    {
      name: `heartbeat${at}.cpu_ms_per_s.${runtime}`,
      value: round(edge.beatMsPerS),
      unit: 'ms/s',
      better: 'lower',
      ...beside(edge.beatMsPerS, bare.beatMsPerS),
    },
    {
      name: `open${at}.s.${runtime}`,
      value: round(edge.openS),
      unit: 's',
      better: 'lower',
      ...beside(edge.openS, bare.openS),
    },
    { name: `reconnect${at}.s.${runtime}`, value: round(storm.s), unit: 's', better: 'lower' },
    {
      name: `reconnect${at}.cpu_ms_per_link.${runtime}`,
      value: round(storm.cpuMsPerLink),
      unit: 'ms',
      better: 'lower',
    },
  ];
}

type Idle = { kibPerLink: number; beatMsPerS: number; openS: number };

/** Opens all links and leaves them alone but for their heartbeats. */
async function idle(held: Held, swarm: Swarm, state: string, about: Run): Promise<Idle> {
  const { links, note, name } = about;
  const warm = Math.ceil(links * WARM_SHARE);
  await swarm.open(warm, held.target, OPEN_MS_MAX);
  await pause(SETTLE_MS);
  const before = await settledRssKib(held, state);
  const begin = performance.now();
  for (let open = warm; open < links; ) {
    open = Math.min(links, open + WAVE);
    await swarm.open(open, held.target, OPEN_MS_MAX);
  }
  const openS = (performance.now() - begin) / 1000;
  note(`${name}: ${links} up in ${openS.toFixed(1)} s, failed ${JSON.stringify(swarm.failed())}`);
  await pause(SETTLE_MS);
  const cpu = await cpuMs(held.child.pid);
  await pause(BEATS_MS);
  const beatMsPerS = ((await cpuMs(held.child.pid)) - cpu) / (BEATS_MS / 1000);
  const after = await settledRssKib(held, state);
  const kibPerLink = (after - before) / (links - warm);
  note(
    `${name}: ${kibPerLink.toFixed(2)} KiB a link (${(before / 1024).toFixed(1)} to ` +
      `${(after / 1024).toFixed(1)} MiB), ${beatMsPerS.toFixed(1)} ms CPU a second`,
  );
  if (swarm.total('lost') > 0) throw new Error(`${swarm.total('lost')} idle links were lost`);
  return { kibPerLink, beatMsPerS, openS };
}

type Storm = { s: number; cpuMsPerLink: number };

/** The edge ends in order and starts again; every link comes back by itself. */
async function restart(
  before: Child,
  start: () => Promise<Held>,
  swarm: Swarm,
  { links, note, name }: Run,
): Promise<Storm> {
  const dials = swarm.total('dials');
  const failed = swarm.failed();
  const stopAt = Date.now();
  await before.stop();
  const ended = await before.ended;
  if (ended !== 'exit 0') throw new Error(`${name} did not end in order: ${ended}`);
  await swarm.allDown(OPEN_MS_MAX);
  const startAt = Date.now();
  const held = await start();
  const readyAt = Date.now();
  const lastUpAt = await swarm.allUp(links, OPEN_MS_MAX);
  const cpuMsPerLink = (await cpuMs(held.child.pid)) / links;
  const s = (lastUpAt - startAt) / 1000;
  note(
    `${name}: stopped in ${startAt - stopAt} ms, ready in ${readyAt - startAt} ms, all back ` +
      `after ${s.toFixed(1)} s and ${swarm.total('dials') - dials} dials, ` +
      `failed ${JSON.stringify(swarm.failed(failed))}`,
  );
  return { s, cpuMsPerLink };
}

/** 10 000 is `10k`. */
function name(links: number): string {
  return links % 1_000 === 0 ? `${links / 1_000}k` : String(links);
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
