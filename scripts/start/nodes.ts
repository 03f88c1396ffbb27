/** The three executor nodes of the local network and the agents they share out. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createEdgeClient, createSigner, type EdgeClient, readKeyFile } from '@zerostate/sdk/node';
import { type Child, runToEnd, startChild } from './child.ts';
import { layout } from './state.ts';

const ROOT = join(import.meta.dirname, '../..');
const CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');
/** Play money that lets a node publish more than the one card of an unfunded DID. */
const FUND = 1_000_000n;
/** A bound against hanging: one that fails ends, and is not waited for. */
const UP_MS_MAX = 180_000;

export const NODES: Readonly<Record<string, readonly string[]>> = {
  'node-1': ['markdown-html', 'csv-stats', 'json-csv', 'hello'],
  'node-2': ['mandelbrot', 'png-thumbnail', 'text-search'],
  'node-3': ['digest', 'sudoku', 'js-runner'],
};

/**
 * Publishes what the node has not published yet, then starts it; `started` is told at once. The
 * signal ends the commands that run before the node does.
 */
export async function startNode(
  state: string,
  name: string,
  edge: string,
  started: (child: Child) => void,
  signal?: AbortSignal,
): Promise<void> {
  const folder = layout(state).node(name);
  // Also when the node is there already: the edge may answer at another port this time.
  await cli(name, ['init', '--edge', edge, '--state', folder, '--json'], signal);
  const { did, client } = await clientOf(folder, edge);
  await fund(did, client);
  const agents = NODES[name] ?? [];
  const missing: string[] = [];
  for (const agent of agents) {
    const card = await client.card(did, agent);
    const isCurrent = card.ok && JSON.stringify(card.value.card).includes(edge);
    if (!isCurrent) missing.push(join(ROOT, 'agents', agent));
  }
  if (missing.length > 0) await cli(name, ['card', 'add', ...missing, '--state', folder], signal);
  signal?.throwIfAborted();
  const child = await startChild({
    name,
    command: process.execPath,
    args: [CLI, 'start', '--state', folder],
    log: layout(state).log(name),
  });
  started(child);
  await onLine(child, async () => {
    const cards = await Promise.all(agents.map((agent) => client.card(did, agent)));
    return cards.every((card) => card.ok && card.value.online);
  });
}

function cli(name: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const options = { name: `${name} ${args[0]}`, command: process.execPath, args: [CLI, ...args] };
  return runToEnd(signal === undefined ? options : { ...options, signal });
}

async function clientOf(folder: string, edge: string) {
  const seed = await readKeyFile(folder);
  if (!seed.ok) throw new Error(seed.detail ?? seed.code);
  const signer = await createSigner(seed.value);
  return { did: signer.did, client: createEdgeClient({ url: edge, signer }) };
}

async function fund(did: string, client: EdgeClient): Promise<void> {
  const account = await client.account(did);
  if (account.ok && BigInt(account.value.available) > 0n) return;
  const paid = await client.faucet(FUND);
  if (!paid.ok) throw new Error(`the faucet did not pay: ${paid.code}`);
}

/** Waits until every agent of the node can be found and reached. */
async function onLine(child: Child, isOnLine: () => Promise<boolean>): Promise<void> {
  let over: string | undefined;
  void child.ended.then((reason) => {
    over = reason;
  });
  for (let waited = 0; waited < UP_MS_MAX; waited += 50) {
    if (over !== undefined) throw new Error(`${child.name} ended (${over}):\n${child.tail()}`);
    if (await isOnLine()) return;
    await pause(50);
  }
  throw new Error(`${child.name} did not come on line:\n${child.tail()}`);
}
