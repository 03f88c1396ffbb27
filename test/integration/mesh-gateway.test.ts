/** An executor whose link to the edge is cut, reached through the mesh: real edge, real daemons. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { foldMemo, idOf, sealEnvelope, type TaskManifest } from '@zerostate/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Child } from '../../scripts/start/child.ts';
import { startProcessEdge } from '../../scripts/start/edge.ts';
import { freePort } from '../../scripts/start/state.ts';
import {
  type Channel,
  helloTerms,
  MONEY,
  must,
  order,
  type Party,
  receiptOf,
  until,
} from './dispute-network.ts';
import { Cable, keyedParty, type MeshNode, proposeChannel, startMeshNode } from './mesh-network.ts';

let state: string;
const children: Child[] = [];
let url: string;
let cable: Cable;
let gateway: MeshNode;
let target: MeshNode;
let creator: Party;
let channel: Channel;
let manifest: Partial<TaskManifest>;

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'zs-mesh-'));
  const port = await freePort(0);
  cable = new Cable(() => port);
  const far = `http://127.0.0.1:${await cable.lay()}`;
  const settings = { ORIGINS: `http://127.0.0.1:${port},${far}` };
  const started = (child: Child) => children.push(child);
  url = await startProcessEdge(state, port, started, { settings });
  gateway = await startMeshNode(state, 'gateway', url, started, { agents: [], bootstrap: [] });
  target = await startMeshNode(state, 'target', far, started, {
    agents: ['hello'],
    bootstrap: [gateway.address],
    // Redeemed as soon as it is held.
    options: ['--redeem-percent', '0'],
  });
  creator = await keyedParty(state, 'creator', url);
  must(await creator.edge.faucet(MONEY));
  channel = await proposeChannel(creator, target);
  await until(async () => {
    const card = await creator.edge.card(target.did, 'hello');
    return card.ok && card.value.online;
  });
  manifest = await helloTerms();
});
afterAll(async () => {
  for (const child of children.reverse()) await child.stop();
  await cable.remove();
  await rm(state, { recursive: true, force: true });
});

/** Leaves the voucher that pays a receipt in the edge's mailbox. */
async function pay(receipt: Awaited<ReturnType<typeof receiptOf>>): Promise<void> {
  const { network } = must(await creator.edge.network());
  const price = BigInt(receipt.body.price);
  const memo = foldMemo('', idOf(network, 'task.receipt', receipt.body), price);
  const body = { ...channel, lane: receipt.body.lane, cum: String(price), memo };
  const voucher = await sealEnvelope(network, 'paych.voucher', body, creator.signer);
  must(await creator.edge.voucher(channel.ch, voucher));
}

test('a task reaches it, runs once, and is paid once, whichever way is up', async () => {
  cable.cut();
  await until(async () => (await target.status()).link.state !== 'up');
  const input = new Uint8Array(0);
  const { id } = await order(creator, target, channel, { lane: '1', input, manifest });
  const receipt = await receiptOf(creator, id);
  expect(receipt.body).toMatchObject({ task: id, status: 'ok', executor: target.did });
  expect((await target.status()).link.state).not.toBe('up');
  expect((await gateway.status()).mesh?.gateway.answered).toBeGreaterThanOrEqual(2);

  await pay(receipt);
  await until(async () => (await target.status()).held !== '0');
  expect(await target.status()).toMatchObject({ held: receipt.body.price, redeemed: '0' });

  cable.mend();
  await until(async () => (await target.status()).redeemed === receipt.body.price);
  const { tasks, earned } = await target.status();
  expect({ tasks, earned }).toEqual({ tasks: { done: 1 }, earned: receipt.body.price });
  const known = must(await creator.edge.channel(channel.ch));
  expect(known.lanes).toMatchObject([{ lane: 1, cum: receipt.body.price }]);
  expect(known.claims).toEqual([]);
  const reputation = must(await creator.edge.reputation(target.did));
  expect(reputation).toMatchObject({ n: 1, ok: 1, failed: 0 });
  // Both ways told the edge of the task; it has one receipt, and nothing waits.
  await until(async () => (await target.status()).link.state === 'up');
  expect(must(await creator.edge.task(id))).toMatchObject({ state: 'done', receipt });
});
