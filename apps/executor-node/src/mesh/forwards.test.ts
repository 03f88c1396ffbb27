import type { AskResult } from '@zerostate/mesh';
import { sealEnvelope } from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Caller, Signed } from '../testing/caller.ts';
import { MeshPeer } from '../testing/mesh-peer.ts';
import { World } from '../testing/world.ts';

let world: World;
let caller: Caller;
let executor: MeshPeer;
let asked: string[];

/** The node of the world is the gateway; the executor that it carries for is a peer. */
beforeEach(async () => {
  world = await World.make();
  world.listen = ['/ip4/127.0.0.1/tcp/0'];
  caller = await world.ready();
  if (world.mesh === null) throw new Error('the node has no mesh');
  const clock = { now: () => world.time.now() };
  executor = await MeshPeer.join(world.mesh, world.edge.network, clock, 21);
  asked = [];
  executor.mesh.tasks.handle('task.offer', async ({ from }) => {
    asked.push(from);
    return {
      ok: true,
      value: { message: { type: 'task.accept', body: { accept: await accept() } } },
    };
  });
});
afterEach(async () => {
  await executor.stop();
  await world.end();
  expect(world.failures).toEqual([]);
});

const accept = () => signed('task.accept', { task: 'x' });
const signed = (type: string, body: Record<string, unknown>) =>
  sealEnvelope(world.edge.network, type, body, caller.signer);

function forward({ body }: Signed, to = executor.mesh.did): number {
  return world.edge.deliver('directory', 'mesh.forward', { to, type: 'task.offer', body });
}

async function result({ task }: Signed) {
  const body = {
    ...{ task, executor: executor.mesh.did, ch: caller.ch, lane: '1', status: 'ok' },
    ...{ output: task, output_len: '0', gas: '1', pages_peak: '1', price: '1', wall_ms: '1' },
    ...{ started_at: '1', ended_at: '2' },
  };
  return { type: 'task.result' as const, body: { receipt: await signed('task.receipt', body) } };
}

test('what an executor signs comes back to the edge, and its result later', async () => {
  const order = await caller.sign();
  await world.edge.acked('directory', forward(order));
  expect(world.edge.errors).toEqual([]);
  const answer = await world.edge.message('mesh.answer');
  expect(asked).toEqual([world.node?.did]);
  expect(answer.body).toMatchObject({ from: executor.mesh.did, type: 'task.accept' });
  const done = await result(order);
  for (let times = 0; times < 2; times++) {
    expect(await executor.ask(done)).toMatchObject({ ok: true, value: { message: null } });
  }
  const brought = await world.edge.message('mesh.answer', ({ type }) => type === 'task.result');
  expect(brought.body).toMatchObject({ from: executor.mesh.did, body: done.body });
  await world.outboxEmpty();
  expect(world.edge.received.filter(({ type }) => type === 'mesh.answer')).toHaveLength(2);
});

test('a result that comes before the accept of its task goes to the edge after it', async () => {
  const order = await caller.sign();
  const done = await result(order);
  let brought: Promise<AskResult> | undefined;
  executor.mesh.tasks.handle('task.offer', async () => {
    brought = executor.ask(done);
    // Long enough for a gateway that waits for nothing.
    await Promise.race([brought, world.settle()]);
    return {
      ok: true,
      value: { message: { type: 'task.accept', body: { accept: await accept() } } },
    };
  });
  await world.edge.acked('directory', forward(order));
  await world.edge.message('mesh.answer', ({ type }) => type === 'task.result');
  expect(await brought).toMatchObject({ ok: true });
  const answers = world.edge.received.filter(({ type }) => type === 'mesh.answer');
  expect(answers.map(({ body }) => body.type)).toEqual(['task.accept', 'task.result']);
});

test('a result that nobody asked for through this node goes nowhere', async () => {
  const order = await caller.sign();
  const refused = { ok: false, code: 'refused', detail: 'message-unexpected' };
  expect(await executor.ask(await result(order))).toMatchObject(refused);
  // Asked of another: a stranger cannot answer for it.
  await world.edge.acked('directory', forward(order, caller.signer.did));
  expect(await executor.ask(await result(order))).toMatchObject(refused);
  expect(world.edge.received.some(({ type }) => type === 'mesh.answer')).toBe(false);
});
