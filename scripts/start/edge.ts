/** The edge of the local network: Node with embedded databases. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { type Child, startChild } from './child.ts';
import { freePort, keyAt, layout } from './state.ts';

const ROOT = join(import.meta.dirname, '../..');
const READY_MS_MAX = 60_000;

/** Told of each process at once. */
export type Started = (child: Child) => void;

/** Starts the edge and returns its origin when it is ready. */
export async function startNodeEdge(
  state: string,
  port: number,
  started: Started,
): Promise<string> {
  const at = layout(state);
  const [ledgerKey, edgeKey] = [await keyAt(at.ledgerKey), await keyAt(at.edgeKey)];
  const bound = await freePort(port);
  const child = await startChild({
    name: 'edge',
    command: process.execPath,
    args: [join(ROOT, 'apps/edge/src/entry/node.ts')],
    env: {
      HOST: '127.0.0.1',
      PORT: String(bound),
      NETWORK_KIND: 'local',
      LEDGER_URL: `file:${at.ledger}`,
      DIRECTORY_URL: `file:${at.directory}`,
      LEDGER_KEY: ledgerKey,
      EDGE_KEY: edgeKey,
      MIGRATE: 'true',
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
