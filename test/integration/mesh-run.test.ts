/** Callers that never meet an edge, as people use them: `zs run --mesh` in a process of its own. */
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connectFromState, connectMeshFromState } from '@zerostate/sdk/mesh';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { killedCaller, type MeshNode, startMeshNode, zs } from './mesh-nodes.ts';
import { type Network, type Party, startNetwork } from './network.ts';

const DIGEST = 'sha-256 digest of a file';
/** A bound against hanging, far above what a slow machine needs. */
const TRIES_MAX = 400;

let network: Network;
let first: MeshNode;
let second: MeshNode;
beforeAll(async () => {
  network = await startNetwork();
  first = await startMeshNode(network, 'first', ['hello']);
  second = await startMeshNode(network, 'second', ['digest'], [first.address]);
  await findable();
});
afterAll(async () => {
  for (const node of [second, first]) await node?.child.stop();
  await network?.stop();
});

/** No edge is there for these commands; they start from one node that does none of the work. */
function mesh({ folder }: Party): string[] {
  const start = ['--mesh', '--bootstrap', first.address, '--allow-private'];
  return ['--state', folder, '--edge', 'http://127.0.0.1:9', ...start, '--json'];
}

async function inputFile(bytes: number): Promise<string> {
  const path = join(network.state, `input-${bytes}`);
  await writeFile(path, randomBytes(bytes));
  return path;
}

test('an executor is found by what it does, paid and checked; its channel serves again', async () => {
  const caller = await network.party('caller', 50n);
  const found = await zs(['search', DIGEST, ...mesh(caller)]);
  expect(found.stdout, found.stderr).toContain(second.party.did);
  // More than travels inside a message.
  const large = await inputFile(300_000);
  const run = ['run', DIGEST, ...mesh(caller), '--budget', '1', '--in', large];
  const ran = await zs(run);
  expect(ran.code, ran.stderr).toBe(0);
  const value = JSON.parse(ran.stdout);
  expect(value).toMatchObject({ status: 'ok', verified: true, delivered: true, tried: [] });
  expect(value.agent.did).toBe(second.party.did);
  const again = JSON.parse((await zs(run)).stdout);
  expect(again).toMatchObject({ ch: value.ch, output: value.output });
  // The executor redeems what it was given, and the ledger shows it.
  const due = BigInt(value.receipt.body.price) + BigInt(again.receipt.body.price);
  await until(async () => ((await redeemed(caller, value.ch)) === due ? due : null));
});

test('who may not be found, who is not there and who is nobody: each is said with what to do', async () => {
  const caller = await network.party('lost', 1n);
  const run = (...args: string[]) => zs(['run', ...args, ...mesh(caller), '--budget', '1']);
  const nobody = await run('boil an egg');
  expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('agent-not-found') });
  const strange = await run('--agent', `${caller.did}#digest`);
  expect(strange).toMatchObject({ code: 1, stderr: expect.stringContaining('agent-not-found') });
  const dead = first.address.replace(/\/tcp\/\d+/, '/tcp/9');
  const alone = ['run', DIGEST, '--budget', '1', '--state', caller.folder, '--mesh'];
  const unreachable = await zs([...alone, '--bootstrap', dead]);
  expect(unreachable).toMatchObject({ code: 1, stderr: expect.stringContaining('mesh-no-peers') });
  const unnamed = await zs(alone);
  expect(unnamed).toMatchObject({ code: 78, stderr: expect.stringContaining('ZS_BOOTSTRAP') });
  const misplaced = await zs(['run', DIGEST, '--budget', '1', '--bootstrap', dead]);
  expect(misplaced).toMatchObject({ code: 2, stderr: expect.stringContaining('--mesh') });
});

test.each([
  ['submit', 'done', 'mesh'],
  ['wait', 'done', 'edge'],
  ['pay', 'done', 'mesh'],
] as const)(
  'a caller that is killed with its step %s %s owes nothing after its next start, by the %s',
  async (step, state, way) => {
    const caller = await network.party(`killed-${step}-${way}`, 50n);
    const killed = await killedCaller(caller.folder, first.address, { words: DIGEST, step, state });
    expect(killed.signal, killed.stderr).toBe('SIGKILL');
    const channel = await channelOf(caller);
    const { folder } = caller;
    const next = await (way === 'mesh' ? overMesh(folder) : connectFromState(network.url, folder));
    if (!next.ok) throw new Error(`${next.code}: ${next.detail ?? ''}`);
    const client = next.value;
    // What its executor had not done yet is paid a moment later.
    await until(async () => {
      const open = await client.wallet.pending();
      if (open.length > 0) await client.recover();
      return open.length === 0 ? true : null;
    });
    const [task, ...others] = await client.wallet.tasks(10);
    await client.close();
    expect([task?.state, others.length]).toEqual(['paid', 0]);
    const paid = await until(() => redeemed(caller, channel));
    expect(paid).toBe(task?.price);
  },
);

function overMesh(folder: string) {
  return connectMeshFromState(folder, { bootstrap: [first.address], allowPrivate: true });
}

/** Until the table knows who does it: a node tells its cards once it has met another. */
async function findable(): Promise<void> {
  const { folder } = await network.party('looker');
  const looker = await overMesh(folder);
  if (!looker.ok) throw new Error(`${looker.code}: ${looker.detail ?? ''}`);
  await until(async () => {
    const found = await looker.value.search({ text: DIGEST });
    return found.ok && found.value.results.length > 0 ? true : null;
  });
  await looker.value.close();
}

/** The caller's one channel. */
async function channelOf({ did, edge }: Party): Promise<string> {
  const channels = await edge.channels(did);
  const [channel] = channels.ok ? channels.value.channels : [];
  if (channel === undefined) throw new Error('the caller has no channel');
  return channel.ch;
}

/** What the ledger has moved to the executor; null while there is nothing. */
async function redeemed({ edge }: Party, ch: string): Promise<bigint | null> {
  const channel = await edge.channel(ch);
  if (!channel.ok) throw new Error(channel.code);
  const moved = channel.value.lanes.reduce((sum, { cum }) => sum + BigInt(cum), 0n);
  return moved === 0n ? null : moved;
}

async function until<T>(found: () => Promise<T | null>): Promise<T> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const value = await found();
    if (value !== null) return value;
    await pause(500);
  }
  throw new Error('it did not come');
}
