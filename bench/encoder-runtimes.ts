/** Runs the probes: a process on Node, Bun and Deno, and a worker under `workerd serve`. */
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { startChild } from '../scripts/start/child.ts';
import { freePort } from '../scripts/start/state.ts';
import { withState } from './edge-network.ts';
import { timedTexts } from './encoder-texts.ts';
import { cpuMs, rssMib } from './process-figures.ts';
import { median } from './report.ts';

const ROOT = join(import.meta.dirname, '..');
const BIN = join(ROOT, 'node_modules/.bin');
const FILES = join(ROOT, 'packages/discovery/dist/encoder');

/** Figures of one runtime; times of single texts in ms. */
export interface Probed {
  readonly coldMs: number;
  readonly queryMs: readonly number[];
  readonly queryCpuMs: number;
  readonly cardMs: readonly number[];
  readonly rssMib: number;
  readonly wasmMib: number;
}

export interface Beside {
  readonly queries: { readonly ours: readonly number[]; readonly stock: readonly number[] };
  readonly cards: { readonly ours: readonly number[]; readonly stock: readonly number[] };
  readonly stockColdMs: number;
  readonly stockRssMib: number;
}

const COMMANDS = { node: [], bun: [], deno: ['run', '--allow-all'] } as const;

export function probeProcess(runtime: keyof typeof COMMANDS): Promise<Probed> {
  return printed<Probed>(runtime, [...COMMANDS[runtime], join(ROOT, 'bench/encoder-probe.ts')]);
}

export function probeBeside(): Promise<Beside> {
  return printed<Beside>('node', [join(ROOT, 'bench/encoder-beside.ts')]);
}

/** Checked border: the probes of this folder print these shapes. */
async function printed<T>(command: string, args: readonly string[]): Promise<T> {
  const env = { ...process.env, PATH: `${BIN}:${process.env.PATH ?? ''}` };
  const { stdout } = await promisify(execFile)(command, args, { env });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as T;
}

const QUERIES = 204;
const CARDS = 40;
const BASES = 100;
/** Queries in one request for the CPU time, which is counted in hundredths of a second. */
const BATCH = 200;

/** Round trips less the median of the same request that embeds nothing. */
export function probeWorkerd(): Promise<Probed> {
  return withState(async (state, started) => {
    const port = await freePort(0);
    const config = await bundled(state, port);
    const workerd = await startChild({
      name: 'workerd',
      command: join(BIN, 'workerd'),
      args: ['serve', '--experimental', '--import-path', '/', config],
      log: join(state, 'workerd.log'),
    });
    started(workerd);
    const url = `http://127.0.0.1:${port}/`;
    await answers(url);
    const pid = await innermost(workerd.pid);
    const roundTrip = async (body?: string, query = ''): Promise<number> => {
      const begin = performance.now();
      const init = body === undefined ? {} : { method: 'POST', body };
      const answer = await fetch(url + query, init);
      await answer.text();
      if (!answer.ok) throw new Error(`workerd: ${answer.status} ${workerd.tail()}`);
      return performance.now() - begin;
    };
    const baseOf = async (body?: string, query?: string): Promise<number> => {
      const bases: number[] = [];
      for (let i = 0; i < BASES; i++) bases.push(await roundTrip(body, query));
      return median(bases);
    };
    const each = async (texts: readonly string[]): Promise<number[]> => {
      const base = await baseOf(texts[0], '?times=0');
      const times: number[] = [];
      for (const text of texts) times.push(Math.max(0, (await roundTrip(text)) - base));
      return times;
    };
    const idle = await baseOf();
    const before = await rssMib(pid);
    const coldMs = (await roundTrip('first')) - idle;
    const { queries, cards } = timedTexts(QUERIES, CARDS);
    await roundTrip(queries[0], `?times=${BATCH}`);
    await roundTrip(cards[0]);
    // Here: what hundreds of requests leave in an isolate's heap is not the encoder's.
    const rss = (await rssMib(pid)) - before;
    const queryMs = await each(queries);
    const cardMs = await each(cards);
    const cpuBefore = await cpuMs(pid);
    await roundTrip(queries[0], `?times=${BATCH}`);
    const queryCpuMs = ((await cpuMs(pid)) - cpuBefore) / BATCH;
    const answer = await fetch(url, { method: 'POST', body: 'size' });
    const wasmMib = Number(await answer.text()) / 2 ** 20;
    return { coldMs, queryMs, queryCpuMs, cardMs, rssMib: rss, wasmMib };
  });
}

/** The worker in one file with its module beside, in a configuration for `workerd serve`. */
async function bundled(state: string, port: number): Promise<string> {
  await build({
    entryPoints: [join(ROOT, 'bench/encoder-worker.ts')],
    ...{ outdir: state, bundle: true, format: 'esm', logLevel: 'error' },
    ...{ loader: { '.wasm': 'copy' }, assetNames: '[name]' },
  });
  const config = join(state, 'workerd.capnp');
  await writeFile(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "encoder", worker = .encoder), (name = "files", disk = "${FILES}")],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "encoder")],
);
const encoder :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "${join(state, 'encoder-worker.js')}"),
    (name = "use-lite.wasm", wasm = embed "${join(state, 'use-lite.wasm')}"),
  ],
  compatibilityDate = "2026-11-01",
  bindings = [(name = "FILES", service = "files")],
);
`,
  );
  return config;
}

async function answers(url: string): Promise<void> {
  for (let tries = 0; ; tries++) {
    try {
      await (await fetch(url)).text();
      return;
    } catch (error) {
      if (tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** The runtime itself: what was started is a script around it. */
async function innermost(pid: number): Promise<number> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const [child] = children.trim().split(' ');
  return child === undefined || child === '' ? pid : innermost(Number(child));
}
