/** Warm tasks end to end across processes: edge, executor daemon and this caller, all durable. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  type Client,
  connectFromState,
  createEdgeClient,
  createKeyFile,
  createSigner,
  readKeyFile,
  systemRng,
} from '@zerostate/sdk/node';
import { type Child, runToEnd } from '../scripts/start/child.ts';
import { startNode } from '../scripts/start/nodes.ts';
import { layout } from '../scripts/start/state.ts';
import { type BenchResult, quantile } from './report.ts';

const ROOT = join(import.meta.dirname, '..');
const AGENT = 'digest';
const NODE_CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');
const UNIT = 1_000_000n;
/** Steps of `client.run`, in their order; what lies between them is `other`. */
const PARTS = ['card', 'channel', 'submit', 'wait', 'output', 'verify', 'pay'] as const;
const WARM_UP = 50;
const SETTLEMENTS = 20;

export interface TaskBench {
  readonly url: string;
  readonly state: string;
  readonly started: (child: Child) => void;
  readonly tasks: number;
  readonly note: (line: string) => void;
}

export async function measureTasks(bench: TaskBench): Promise<BenchResult[]> {
  const { url, state, started, note } = bench;
  const did = await startExecutor(state, url, started);
  const client = await connectCaller(state, url);
  try {
    note(`${WARM_UP} tasks to warm up, ${bench.tasks} measured`);
    const run = () => runOnce(client, did, 100n * UNIT);
    for (let i = 0; i < WARM_UP; i++) await run();
    const runs: Awaited<ReturnType<typeof run>>[] = [];
    for (let i = 0; i < bench.tasks; i++) runs.push(await run());
    const total = runs.map(({ timings_ms }) => timings_ms.total);
    const results = [
      result('task.e2e.p50_ms', quantile(total, 0.5)),
      result('task.e2e.p99_ms', quantile(total, 0.99)),
      ...PARTS.map((part) => {
        const took = runs.map(({ timings_ms }) => timings_ms[part] ?? 0);
        return result(`task.e2e.${part}.p50_ms`, quantile(took, 0.5));
      }),
    ];
    note(`${SETTLEMENTS} settlements`);
    return [...results, result('settle.p50_ms', quantile(await settlements(client, did), 0.5))];
  } finally {
    await client.close();
  }
}

function result(name: string, ms: number): BenchResult {
  return { name, value: Math.round(ms * 100) / 100, unit: 'ms', better: 'lower' };
}

async function runOnce(client: Client, did: string, fund: bigint) {
  const input = crypto.getRandomValues(new Uint8Array(4_096));
  const ran = await client.run({
    agent: { did, agent: AGENT },
    input,
    budget: UNIT,
    verify: 'always',
    channel: { fund },
  });
  if (!ran.ok) throw new Error(`task: ${ran.code} ${ran.detail ?? ''}`);
  const { value } = ran;
  const expected = createHash('sha256').update(input).digest('hex');
  const isRight = new TextDecoder().decode(value.output).includes(expected);
  if (!isRight || !value.verified || !value.delivered) throw new Error('a task was not done');
  return value;
}

/** Closing a channel with one unpaid voucher: redeem, co-sign, move, tell both. */
async function settlements(client: Client, did: string): Promise<number[]> {
  const took: number[] = [];
  for (const { ch, budget } of await client.wallet.channels()) {
    if (budget.phase === 'active') await client.closeChannel(ch);
  }
  for (let i = 0; i < SETTLEMENTS; i++) {
    const { ch } = await runOnce(client, did, UNIT);
    const begin = performance.now();
    const closed = await client.closeChannel(ch);
    took.push(performance.now() - begin);
    if (!closed.ok || closed.value.state !== 'closed') throw new Error('a channel was not closed');
  }
  return took;
}

async function connectCaller(state: string, url: string): Promise<Client> {
  const folder = layout(state).caller;
  const key = await createKeyFile(folder, systemRng);
  if (!key.ok) throw new Error(key.detail ?? key.code);
  const client = await connectFromState(url, folder);
  if (!client.ok) throw new Error(client.detail ?? client.code);
  const paid = await client.value.edge.faucet(1_000n * UNIT);
  if (!paid.ok) throw new Error(paid.code);
  return client.value;
}

/** A daemon of its own with one agent, on line when this resolves. */
async function startExecutor(
  state: string,
  url: string,
  started: (child: Child) => void,
): Promise<string> {
  const folder = layout(state).node('executor');
  await startNode(state, 'executor', url, started);
  const seed = await readKeyFile(folder);
  if (!seed.ok) throw new Error(seed.detail ?? seed.code);
  const { did } = await createSigner(seed.value);
  await runToEnd({
    name: 'card add',
    command: process.execPath,
    args: [NODE_CLI, 'card', 'add', join(ROOT, 'agents', AGENT), '--state', folder, '--json'],
  });
  const edge = createEdgeClient({ url });
  for (let tries = 0; tries < 400; tries++) {
    const card = await edge.card(did, AGENT);
    if (card.ok && card.value.online) return did;
    await pause(50);
  }
  throw new Error('the executor did not come on line');
}
