/** A network of real processes in a folder of its own: an edge, executor daemons, callers. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Client,
  connectFromState,
  createEdgeClient,
  createKeyFile,
  createSigner,
  type EdgeClient,
  readKeyFile,
  type Signer,
  systemRng,
} from '@zerostate/sdk/node';
import type { Child } from '../../scripts/start/child.ts';
import { startProcessEdge } from '../../scripts/start/edge.ts';
import { startNode } from '../../scripts/start/nodes.ts';
import { layout } from '../../scripts/start/state.ts';

const ROOT = join(import.meta.dirname, '../..');
/** A bound against hanging, far above what a slow machine needs. */
const TRIES_MAX = 4_000;
const NODE_CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');

/** A party with its key, as its own machine would hold it. */
export interface Party {
  readonly did: string;
  readonly folder: string;
  readonly signer: Signer;
  readonly edge: EdgeClient;
}

export interface Network {
  readonly url: string;
  /** The folder of everything: databases, keys, logs. */
  readonly state: string;
  /** An executor daemon with these agents of the repository. */
  startExecutor(name: string, agents: readonly string[]): Promise<Party>;
  /** A node that publishes through the CLI and never runs. */
  publish(name: string, agents: readonly string[]): Promise<Party>;
  /** A caller with a wallet on disk and this much money. */
  caller(name: string, units: bigint): Promise<Client>;
  /** A key and a client, without a wallet. */
  party(name: string, units?: bigint): Promise<Party>;
  /** Ends the edge's process as an operator would, and starts it again on its disk and port. */
  restartEdge(): Promise<void>;
  stop(): Promise<void>;
}

export async function startNetwork(): Promise<Network> {
  const state = await mkdtemp(join(tmpdir(), 'zs-network-'));
  const children: Child[] = [];
  const clients: Client[] = [];
  const started = (child: Child): void => {
    children.push(child);
  };
  const stop = async (): Promise<void> => {
    for (const client of clients) await client.close();
    for (const child of [...children].reverse()) await child.stop();
    await rm(state, { recursive: true, force: true });
  };
  const url = await startProcessEdge(state, 0, started).catch(async (error: unknown) => {
    await stop();
    throw error;
  });
  return {
    url,
    state,
    stop,
    async startExecutor(name, agents) {
      const party = await published(layout(state).node(name), url, agents);
      await startNode(state, name, url, started);
      for (const agent of agents) await onLine(party, agent);
      return party;
    },
    publish: (name, agents) => published(layout(state).node(name), url, agents),
    async caller(name, units) {
      const { folder } = await newParty(state, name, url, units);
      const client = await connectFromState(url, folder);
      if (!client.ok) throw new Error(`${client.code}: ${client.detail ?? ''}`);
      clients.push(client.value);
      return client.value;
    },
    party: (name, units = 0n) => newParty(state, name, url, units),
    async restartEdge() {
      const [edge] = children;
      if (edge === undefined) throw new Error('there is no edge');
      await edge.stop();
      await startProcessEdge(state, Number(new URL(url).port), (child) => {
        children[0] = child;
      });
    },
  };
}

/** How a command ended. */
export type Ended = { code: number | null; stdout: string; stderr: string };

/** Runs `zerostate-node` to its end, however it ends. */
export function runNodeCli(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [NODE_CLI, ...args], (_, stdout, stderr) => {
      resolve({ code: child.exitCode, stdout, stderr });
    });
  });
}

/** Runs `zerostate-node`, which must succeed. */
async function nodeCli(...args: string[]): Promise<void> {
  const { code, stderr } = await runNodeCli(args);
  if (code !== 0) throw new Error(`zerostate-node ${args[0]} ended with ${code}: ${stderr}`);
}

/** Init, one unit of play money, and every agent's card, each by its command. */
async function published(folder: string, url: string, agents: readonly string[]): Promise<Party> {
  await nodeCli('init', '--edge', url, '--state', folder, '--json');
  const party = await partyIn(folder, url);
  const paid = await party.edge.faucet(1_000_000n);
  if (!paid.ok) throw new Error(`the faucet did not pay: ${paid.code}`);
  for (const agent of agents) {
    await nodeCli('card', 'add', join(ROOT, 'agents', agent), '--state', folder, '--json');
  }
  return party;
}

/** Until an agent can be reached; its link says so a moment after its card is there. */
async function onLine({ did, edge }: Party, agent: string): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const card = await edge.card(did, agent);
    if (card.ok && card.value.online) return;
    await pause(50);
  }
  throw new Error(`${agent} did not come on line`);
}

async function partyIn(folder: string, url: string): Promise<Party> {
  const seed = await readKeyFile(folder);
  if (!seed.ok) throw new Error(seed.detail ?? seed.code);
  const signer = await createSigner(seed.value);
  return { did: signer.did, folder, signer, edge: createEdgeClient({ url, signer }) };
}

async function newParty(state: string, name: string, url: string, units: bigint): Promise<Party> {
  const folder = join(state, name);
  const key = await createKeyFile(folder, systemRng);
  if (!key.ok) throw new Error(key.detail ?? key.code);
  const party = await partyIn(folder, url);
  if (units > 0n) {
    const paid = await party.edge.faucet(units * 1_000_000n);
    if (!paid.ok) throw new Error(`the faucet did not pay: ${paid.code} ${paid.detail ?? ''}`);
  }
  return party;
}
