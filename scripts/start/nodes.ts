/** The three executor nodes of the local network and the agents they share out. */
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { createEdgeClient, createSigner, readKeyFile } from '@zerostate/sdk/node';
import { type Child, runToEnd, startChild } from './child.ts';
import { layout } from './state.ts';

const ROOT = join(import.meta.dirname, '../..');
const CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');
/** Play money that lets a node publish more than the one card of an unfunded DID. */
const FUND = 1_000_000n;
const UP_MS_MAX = 60_000;

export const NODES: Readonly<Record<string, readonly string[]>> = {
  'node-1': ['markdown-html', 'csv-stats', 'json-csv', 'hello'],
  'node-2': ['mandelbrot', 'png-thumbnail', 'text-search'],
  'node-3': ['digest', 'sudoku', 'js-runner'],
};

export async function startNode(state: string, name: string, edge: string): Promise<Child> {
  const folder = layout(state).node(name);
  if (!(await exists(join(folder, 'key')))) {
    await cli(name, ['init', '--edge', edge, '--state', folder, '--json']);
  }
  await fund(folder, edge);
  const child = await startChild({
    name,
    command: process.execPath,
    args: [CLI, 'start', '--state', folder],
    log: layout(state).log(name),
  });
  await linked(name, folder, child);
  for (const agent of NODES[name] ?? []) {
    if (await isPublished(folder, edge, agent)) continue;
    await cli(name, ['card', 'add', join(ROOT, 'agents', agent), '--state', folder, '--json']);
  }
  await published(name, folder, edge);
  return child;
}

function cli(name: string, args: readonly string[]): Promise<string> {
  const options = { name: `${name} ${args[0]}`, command: process.execPath, args: [CLI, ...args] };
  return runToEnd(options);
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

async function clientOf(folder: string, edge: string) {
  const seed = await readKeyFile(folder);
  if (!seed.ok) throw new Error(seed.detail ?? seed.code);
  const signer = await createSigner(seed.value);
  return { did: signer.did, client: createEdgeClient({ url: edge, signer }) };
}

async function fund(folder: string, edge: string): Promise<void> {
  const { did, client } = await clientOf(folder, edge);
  const account = await client.account(did);
  if (account.ok && BigInt(account.value.available) > 0n) return;
  const paid = await client.faucet(FUND);
  if (!paid.ok) throw new Error(`the faucet did not pay: ${paid.code}`);
}

async function isPublished(folder: string, edge: string, agent: string): Promise<boolean> {
  const { did, client } = await clientOf(folder, edge);
  return (await client.card(did, agent)).ok;
}

/** Waits until the node says that its link is up. */
async function linked(name: string, folder: string, child: Child): Promise<void> {
  let over: string | undefined;
  void child.ended.then((reason) => {
    over = reason;
  });
  for (let waited = 0; waited < UP_MS_MAX; waited += 250) {
    if (over !== undefined) throw new Error(`${name} ended (${over}):\n${child.tail()}`);
    const said = await cli(name, ['status', '--state', folder, '--json']).catch(() => '{}');
    const status: { link?: { state?: string } } = JSON.parse(said);
    if (status.link?.state === 'up') return;
    await pause(250);
  }
  throw new Error(`${name} has no link to the edge:\n${child.tail()}`);
}

/** Waits until every agent of the node can be found. */
async function published(name: string, folder: string, edge: string): Promise<void> {
  for (const agent of NODES[name] ?? []) {
    for (let waited = 0; !(await isPublished(folder, edge, agent)); waited += 100) {
      if (waited > UP_MS_MAX) throw new Error(`${name} could not publish ${agent}`);
      await pause(100);
    }
  }
}
