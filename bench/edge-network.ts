/** Edges, nodes and callers as processes of their own, in a folder that goes with them. */
import { readdirSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Child, startChild } from '../scripts/start/child.ts';
import { type ProcessRuntime, ready, startProcessEdge } from '../scripts/start/edge.ts';
import { freePort, keyAt, layout } from '../scripts/start/state.ts';
import { startDatabases } from '../scripts/start/worker-edge.ts';

const ROOT = join(import.meta.dirname, '..');
export const BUNDLE = join(ROOT, 'dist/worker');

export type Runtime = ProcessRuntime | 'workerd';
export const RUNTIMES: readonly Runtime[] = ['node', 'bun', 'deno', 'workerd'];

/** Gives `work` a folder, and ends every process that it started. */
export async function withState<T>(
  work: (state: string, started: (child: Child) => void) => Promise<T>,
): Promise<T> {
  const state = await mkdtemp(join(tmpdir(), 'zs-bench-'));
  const children: Child[] = [];
  try {
    return await work(state, (child) => children.push(child));
  } finally {
    for (const child of children.reverse()) await child.stop();
    await rm(state, { recursive: true, force: true });
  }
}

export interface StartedEdge {
  readonly url: string;
  /** From spawning the edge's process to the first 200 of /readyz. */
  readonly coldMs: number;
}

const COLD_STARTS = 3;

/**
 * Starts an edge over databases that are there already, so that only the edge is timed; the best
 * of a few starts, because the first one fills the system's caches.
 */
export async function startEdge(
  runtime: Runtime,
  state: string,
  started: (child: Child) => void,
): Promise<StartedEdge> {
  const start = runtime === 'workerd' ? await workerdOver(state, started) : processOver(runtime);
  // Makes and migrates the databases.
  let edge = await start(state, started);
  let coldMs = Number.POSITIVE_INFINITY;
  for (let i = 0; i < COLD_STARTS; i++) {
    await edge.child.stop();
    edge = await start(state, started);
    coldMs = Math.min(coldMs, edge.coldMs);
  }
  return { url: edge.url, coldMs };
}

type Start = (
  state: string,
  started: (child: Child) => void,
) => Promise<StartedEdge & { child: Child }>;

function processOver(runtime: ProcessRuntime): Start {
  return async (state, started) => {
    const children: Child[] = [];
    const port = await freePort(0);
    const begin = performance.now();
    const told = (child: Child): void => {
      children.push(child);
      started(child);
    };
    const about = { runtime, settings: { LOG_LEVEL: 'error' } };
    const url = await startProcessEdge(state, port, told, about);
    const coldMs = performance.now() - begin;
    const [child] = children;
    if (child === undefined) throw new Error('no process was started');
    return { url, coldMs, child };
  };
}

/** `workerd serve` with the bundle that is deployed, never `wrangler dev`: it is what runs. */
async function workerdOver(root: string, tell: (child: Child) => void): Promise<Start> {
  const at = layout(root);
  const keys = { LEDGER_KEY: await keyAt(at.ledgerKey), EDGE_KEY: await keyAt(at.edgeKey) };
  const urls = await startDatabases(root, tell);
  const fixed = { NETWORK_KIND: 'local', HOST: '127.0.0.1', LOG_LEVEL: 'error', ...urls, ...keys };
  return async (state, started) => {
    const port = await freePort(0);
    const url = `http://127.0.0.1:${port}`;
    const config = join(state, 'edge/workerd.capnp');
    await writeFile(config, capnp(port, { ...fixed, ORIGINS: url }), { mode: 0o600 });
    const begin = performance.now();
    const child = await startChild({
      name: 'workerd',
      command: join(ROOT, 'node_modules/.bin/workerd'),
      args: ['serve', '--experimental', '--import-path', '/', config],
      log: at.log('workerd'),
    });
    started(child);
    await ready(url, child);
    return { url, coldMs: performance.now() - begin, child };
  };
}

function capnp(port: number, bindings: Readonly<Record<string, string>>): string {
  const texts = Object.entries(bindings).map(
    ([name, value]) => `(name = ${JSON.stringify(name)}, text = ${JSON.stringify(value)})`,
  );
  const embedded = (kind: string, name: string): string =>
    `(name = "${name}", ${kind} = embed "${join(BUNDLE, name)}")`;
  const wasm = readdirSync(BUNDLE).filter((name) => name.endsWith('.wasm'));
  const modules = [
    embedded('esModule', 'workerd.js'),
    ...wasm.map((name) => embedded('wasm', name)),
  ].join(', ');
  const hub = '(name = "LINK_HUB", durableObjectNamespace = "LinkHub")';
  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "edge", worker = .edge),
    (name = "internet", network = (allow = ["public", "private"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "edge")],
);
const edge :Workerd.Worker = (
  modules = [${modules}],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["nodejs_compat"],
  bindings = [${[...texts, hub].join(', ')}],
  durableObjectNamespaces = [(className = "LinkHub", uniqueKey = "bench", enableSql = true)],
  durableObjectStorage = (inMemory = void),
);
`;
}
