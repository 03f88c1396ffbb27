/** A network of real processes with an arbiter, and parties that may lie. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { METER } from '@zerostate/runtime';
import {
  createEdgeClient,
  createKeyFile,
  createSigner,
  type EdgeClient,
  type Signer,
  systemRng,
} from '@zerostate/sdk/node';
import {
  type ClaimAnswer,
  claimAnswerSchema,
  type Envelope,
  idOf,
  type PaychCond,
  sealEnvelope,
  sha256Base64url,
  type TaskAnswer,
  type TaskManifest,
  type TaskObjection,
  type TaskReceipt,
  taskReceiptSchema,
} from '@zerostate/shared';
import { makeOpen, makeTask } from '../../apps/edge/test-support/documents.ts';
import { type Child, startChild } from '../../scripts/start/child.ts';
import { startProcessEdge } from '../../scripts/start/edge.ts';
import { runNodeCli } from './network.ts';

export const ROOT = join(import.meta.dirname, '../..');
const NODE_CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');
/** What every party starts with, and what a creator puts into its channel, micro-units. */
export const MONEY = 10_000_000n;
export const FUND = 3_000_000n;
const LOOK_MS = 50;
/** A bound against hanging, far above what a slow machine needs. */
const LOOKS_MAX = 2_000;

export type Party = { did: string; folder: string; signer: Signer; edge: EdgeClient };

/** One case of an arbiter, as `status --json` prints it. */
export type Case = {
  claim: string;
  state: string;
  why?: string;
  verdict: { verdict: string; price: string } | null;
  outcome: string;
};

export interface DisputeNetwork {
  readonly url: string;
  readonly state: string;
  readonly arbiter: Party;
  party(name: string): Promise<Party>;
  /** The arbiter's daemon; its state folder stays between two lives. */
  startArbiter(): Promise<Child>;
  cases(): Promise<Case[]>;
  /** Ends the edge's process, lets `between` do something to its disk, and starts it again. */
  restartEdge(between: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Looks until `find` finds something. */
export async function until<T>(find: () => Promise<T | undefined | false>): Promise<T> {
  for (let looks = 0; looks < LOOKS_MAX; looks++) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    await pause(LOOK_MS);
  }
  throw new Error('it did not come');
}

/** An edge whose one arbiter is initialised and not running yet. */
export async function startDisputeNetwork(): Promise<DisputeNetwork> {
  const state = await mkdtemp(join(tmpdir(), 'zs-disputes-'));
  const children: Child[] = [];
  const keyed = async (name: string) => {
    const folder = join(state, name);
    const key = await createKeyFile(folder, systemRng);
    if (!key.ok) throw new Error(key.code);
    return { folder, signer: await createSigner(key.value) };
  };
  const judge = await keyed('arbiter');
  const started = (child: Child): void => {
    children.push(child);
  };
  const settings = { ARBITERS: judge.signer.did };
  const url = await startProcessEdge(state, 0, started, { settings });
  const partyOf = ({ folder, signer }: { folder: string; signer: Signer }): Party => ({
    did: signer.did,
    folder,
    signer,
    edge: createEdgeClient({ url, signer }),
  });
  const at = ['--state', judge.folder, '--json'];
  await cli('init', '--edge', url, ...at);
  return {
    url,
    state,
    arbiter: partyOf(judge),
    async party(name) {
      const party = partyOf(await keyed(name));
      must(await party.edge.faucet(MONEY));
      return party;
    },
    async startArbiter() {
      const child = await startChild({
        name: 'arbiter',
        command: process.execPath,
        args: [NODE_CLI, 'arbiter', '--state', judge.folder, '--workers', '1'],
        log: join(state, 'arbiter.log'),
      });
      started(child);
      return child;
    },
    async cases() {
      const status: { role: string; cases: Case[] } = JSON.parse(await cli('status', ...at));
      if (status.role !== 'arbiter') throw new Error(status.role);
      return status.cases;
    },
    async restartEdge(between) {
      await children[0]?.stop();
      await between();
      const port = Number(new URL(url).port);
      const again = (child: Child): void => {
        children[0] = child;
      };
      await startProcessEdge(state, port, again, { settings });
    },
    async stop() {
      for (const child of children.reverse()) await child.stop();
      await rm(state, { recursive: true, force: true });
    },
  };
}

async function cli(...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await runNodeCli(args);
  if (code !== 0) throw new Error(`zerostate-node ${args[0]} ended with ${code}: ${stderr}`);
  return stdout;
}

export function must<T>(
  result: { ok: true; value: T } | { ok: false; code: string; detail?: string },
): T {
  if (result.ok) return result.value;
  throw new Error(`${result.code} ${result.detail ?? ''}`);
}

export type Channel = { ch: string; dir: 'a' | 'b' };

/** A channel that a creator pays, signed by both. */
export async function openChannel(creator: Party, executor: Party): Promise<Channel> {
  const { network, genesis } = must(await creator.edge.network());
  const terms = { now: Date.now(), asset: genesis.asset, fund: String(FUND) };
  const { open, ch, dir } = await makeOpen(network, creator.signer, executor.signer, terms);
  must(await creator.edge.openChannel(open));
  return { ch, dir };
}

export type Ordered = {
  id: string;
  manifest: Envelope<TaskManifest>;
  cond: Envelope<PaychCond>;
};

/** Orders one task, and answers when the edge has stored it. */
export async function order(
  creator: Party,
  executor: Party,
  channel: Channel,
  about: { lane: string; input: Uint8Array; manifest: Partial<TaskManifest> },
): Promise<Ordered> {
  const { network } = must(await creator.edge.network());
  const { lane, input, manifest } = about;
  const job = { now: Date.now(), ...channel, lane, input };
  const task = await makeTask(network, creator.signer, executor.signer, job, { manifest });
  const inline = input.length === 0 ? {} : { input: Buffer.from(input).toString('base64url') };
  must(await creator.edge.submitTask({ manifest: task.manifest, cond: task.cond, ...inline }));
  return task;
}

/** The receipt that the edge has of a task. */
export async function receiptOf(creator: Party, task: string): Promise<Envelope<TaskReceipt>> {
  const answer = await until(async () => {
    const read: TaskAnswer = must(await creator.edge.task(task, { waitMs: 5_000 }));
    if (read.state === 'rejected' || read.state === 'failed') throw new Error(read.reject?.code);
    return read.receipt ?? undefined;
  });
  return { ...answer, body: taskReceiptSchema.parse(answer.body) };
}

/** The creator's word that it does not pay. */
export async function objectTo(
  creator: Party,
  task: string,
  receipt: Envelope<TaskReceipt>,
  reason: TaskObjection['reason'],
): Promise<void> {
  const { network } = must(await creator.edge.network());
  const body = { receipt: idOf(network, 'task.receipt', receipt.body), reason };
  const objection = await sealEnvelope(network, 'task.objection', body, creator.signer);
  must(await creator.edge.object(task, objection));
}

export async function claimOf(url: string, id: string): Promise<ClaimAnswer | undefined> {
  const response = await fetch(`${url}/v1/claims/${id}`);
  return response.ok ? claimAnswerSchema.parse(await response.json()) : undefined;
}

export async function claimId(party: Party, { cond }: Ordered): Promise<string> {
  const { network } = must(await party.edge.network());
  return idOf(network, 'paych.cond', cond.body);
}

/** Free money of a party, micro-units. */
export async function free(party: Party): Promise<bigint> {
  return BigInt(must(await party.edge.account(party.did)).available);
}

/** What a channel holds for the creator, micro-units. */
export async function escrow(party: Party, { ch, dir }: Channel): Promise<bigint> {
  const channel = must(await party.edge.channel(ch));
  return BigInt(dir === 'a' ? channel.escrow_a : channel.escrow_b);
}

export function moduleOf(agent: string): Promise<Buffer> {
  return readFile(join(ROOT, `agents/${agent}/${agent}.wasm`));
}

/** What an order of `hello` says, whoever runs it. */
export async function helloTerms(): Promise<Partial<TaskManifest>> {
  return {
    agent: 'hello',
    module: sha256Base64url(await moduleOf('hello')),
    abi: 'call',
    fn: 'hello',
    gas_max: '1000000',
    pages_max: '16',
    wall_ms_max: '10000',
    output_max: '4096',
    price_per_mgas: '100',
    price_max: '100000',
    meter: METER,
  };
}
