/** The edge of the local network as one process with embedded databases: Node, Bun or Deno. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Child, startChild } from './child.ts';
import { freePort, keyAt, layout } from './state.ts';

const ROOT = join(import.meta.dirname, '../..');
/** A bound against hanging: one that fails ends, and is not waited for. */
const READY_MS_MAX = 180_000;

/** Told of each process at once. */
export type Started = (child: Child) => void;

/** Variables of the edge's environment beyond those that a local network sets. */
export type Settings = Readonly<Record<string, string>>;

export type ProcessRuntime = 'node' | 'bun' | 'deno';

const BIN = join(ROOT, 'node_modules/.bin');
const RUNTIMES: Record<ProcessRuntime, { command: string; args: readonly string[] }> = {
  node: { command: process.execPath, args: [] },
  bun: { command: join(BIN, 'bun'), args: ['run'] },
  deno: { command: join(BIN, 'deno'), args: ['run', '--allow-all', '--quiet'] },
};

/** Starts the edge and returns its origin when it is ready. */
export async function startProcessEdge(
  state: string,
  port: number,
  started: Started,
  about: { runtime?: ProcessRuntime; settings?: Settings } = {},
): Promise<string> {
  const { runtime = 'node', settings = {} } = about;
  const at = layout(state);
  const [ledgerKey, edgeKey] = [await keyAt(at.ledgerKey), await keyAt(at.edgeKey)];
  const bound = await freePort(port);
  const { command, args } = RUNTIMES[runtime];
  const child = await startChild({
    name: 'edge',
    command,
    args: [...args, join(ROOT, `apps/edge/src/entry/${runtime}.ts`)],
    env: {
      HOST: '127.0.0.1',
      PORT: String(bound),
      NETWORK_KIND: 'local',
      LEDGER_URL: `file:${at.ledger}`,
      DIRECTORY_URL: `file:${at.directory}`,
      LEDGER_KEY: ledgerKey,
      EDGE_KEY: edgeKey,
      MIGRATE: 'true',
      ...settings,
    },
    log: at.log('edge'),
  });
  started(child);
  const url = `http://127.0.0.1:${bound}`;
  await ready(url, child);
  return url;
}

/** Waits until /readyz says yes; fails at once with the process's last words if it ends. */
export async function ready(url: string, child: Child): Promise<void> {
  let over: string | undefined;
  void child.ended.then((reason) => {
    over = reason;
  });
  for (let waited = 0; waited < READY_MS_MAX; waited += 50) {
    if (over !== undefined) throw new Error(`${child.name} ended (${over}):\n${child.tail()}`);
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await pause(50);
  }
  throw new Error(`${child.name} was not ready within ${READY_MS_MAX / 1000} s:\n${child.tail()}`);
}
