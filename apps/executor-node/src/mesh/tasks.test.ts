import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Message } from '@zerostate/mesh';
import { digestSha256, idOf, sealEnvelope } from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Statement } from '../state/database.ts';
import type { Caller, Signed } from '../testing/caller.ts';
import { receiptOf } from '../testing/caller.ts';
import { MeshPeer } from '../testing/mesh-peer.ts';
import { World } from '../testing/world.ts';

let world: World;
let caller: Caller;
let peer: MeshPeer;
const peers: MeshPeer[] = [];
/** Called when a write is on disk, before the node hears of it. */
let afterWrite: (statements: readonly Statement[]) => Promise<void>;

beforeEach(async () => {
  world = await World.make();
  world.listen = ['/ip4/127.0.0.1/tcp/0'];
  afterWrite = async () => undefined;
  world.wrap = (inner) => ({
    ...inner,
    async write(statements) {
      await inner.write(statements);
      await afterWrite(statements);
    },
  });
  caller = await world.ready();
  // The caller's own key.
  peer = await meet(5);
});
afterEach(async () => {
  for (const one of peers.splice(0)) await one.stop();
  await world.end();
  expect(world.failures).toEqual([]);
});

async function meet(fill: number): Promise<MeshPeer> {
  if (world.mesh === null) throw new Error('the node has no mesh');
  const clock = { now: () => world.time.now() };
  const joined = await MeshPeer.join(world.mesh, world.edge.network, clock, fill);
  peers.push(joined);
  return joined;
}

const offer = ({ body }: Signed): Message => ({ type: 'task.offer', body });

/** Offers a task, and lets it end once it was answered that it is taken. */
async function accepted(signed: Signed): Promise<Message> {
  const open = world.sandbox.hold();
  const answer = await peer.said(offer(signed));
  open();
  return answer;
}

/** What the edge was told about tasks. */
function toldToEdge(): string[] {
  return world.edge.received.map(({ type }) => type).filter((type) => type.startsWith('task.'));
}

async function earned(): Promise<unknown> {
  const answer = await world.node?.execute({ command: 'earnings' });
  return answer?.ok ? answer.value : answer;
}

test('a task that the edge never sees is run, told, paid and redeemed', async () => {
  const signed = await caller.sign();
  expect(await accepted(signed)).toMatchObject({
    type: 'task.accept',
    body: { accept: { type: 'task.accept' } },
  });
  const receipt = await peer.told(signed.task);
  expect(receipt).toMatchObject({ status: 'ok', task: signed.task });
  const voucher = await caller.payment(signed, receipt);
  const paid = await peer.ask({ type: 'voucher.deliver', body: voucher });
  expect(paid).toMatchObject({ ok: true, value: { message: null } });
  // Again, as after a lost answer: it is held once.
  await peer.ask({ type: 'voucher.deliver', body: voucher });
  await world.edge.acked('ledger', await caller.close(BigInt(receipt.price)));
  await world.edge.message('channel.accept', (body) => body.kind === 'close');
  expect(world.edge.redeemed).toMatchObject([{ cum: receipt.price, receipts: 1 }]);
  expect(await earned()).toMatchObject({ total: receipt.price, redeemed: receipt.price });
  expect(world.sandbox.runs).toBe(1);
  expect(toldToEdge()).toEqual([]);
});

test('asking again is asking how the task is: nothing runs twice', async () => {
  peer.takesResults = false;
  const signed = await caller.sign();
  const open = world.sandbox.hold();
  expect((await peer.said(offer(signed))).type).toBe('task.accept');
  expect((await peer.said(offer(signed))).type).toBe('task.accept');
  open();
  for (;;) {
    const said = await peer.said(offer(signed));
    if (said.type !== 'task.result') continue;
    expect(receiptOf(said.body)).toMatchObject({ task: signed.task, status: 'ok' });
    break;
  }
  expect(world.sandbox.runs).toBe(1);
  expect(peer.results).toEqual([]);
  // It has the result now: not to pay is to be claimed.
  const askedAt = world.time.now();
  await world.passUntil(5_000, () => world.edge.claims.length > 0);
  expect(world.time.now() - askedAt).toBeLessThan(60_000);
});

test('an offer that would not be paid is turned down for good, as over the link', async () => {
  const signed = await caller.sign({ manifest: { price_base: '1' } });
  for (let n = 0; n < 2; n++) {
    expect(await peer.said(offer(signed))).toMatchObject({
      type: 'task.reject',
      body: { task: signed.task, code: 'price-below-card' },
    });
  }
  expect(toldToEdge()).toEqual([]);
  expect(world.sandbox.runs).toBe(0);
});

test('what was turned down stays so, whatever would be said of it later', async () => {
  const first = await caller.sign();
  await peer.said(offer(first));
  const receipt = await peer.told(first.task);
  const second = await caller.sign();
  const answers: string[] = [];
  const ask = async (): Promise<void> => {
    const { type, body } = await peer.said(offer(second));
    answers.push(type === 'task.reject' ? body.code : type);
  };
  const asking = ask();
  // The lane's voucher is waited for, a moment.
  await world.passUntil(100, () => answers.length > 0);
  await asking;
  const voucher = await caller.payment(first, receipt);
  await peer.ask({ type: 'voucher.deliver', body: voucher });
  await ask();
  expect(answers).toEqual(['lane-busy', 'lane-busy']);
});

test('an input that nobody gave decides nothing; it may come with the offer', async () => {
  const folder = join(world.root, 'echo');
  await mkdir(folder);
  await copyFile(join(world.agentFolder, 'hello.wasm'), join(folder, 'echo.wasm'));
  const agent = JSON.parse(await readFile(join(world.agentFolder, 'agent.json'), 'utf8'));
  const program = { skill: 'greet', file: 'echo.wasm', abi: 'wasi' };
  await writeFile(
    join(folder, 'agent.json'),
    JSON.stringify({ ...agent, agent: 'echo', programs: [program] }),
  );
  expect(await world.node?.execute({ command: 'card-add', folder })).toMatchObject({ ok: true });
  const bytes = new Uint8Array(70_000).fill(9);
  const about = { input: await digestSha256(bytes), input_len: String(bytes.length) };
  const signed = await caller.sign({ manifest: { agent: 'echo', abi: 'wasi', fn: '', ...about } });
  const gateway = await meet(77);
  for (const by of [gateway, peer]) {
    const said = await by.said(offer(signed));
    expect(said).toMatchObject({ type: 'task.reject', body: { code: 'input-unavailable' } });
  }
  expect(toldToEdge()).toEqual([]);
  // It has the input, and goes on: this module has no start.
  const brought = await peer.said(offer(signed), { body: bytes });
  expect(brought).toMatchObject({ type: 'task.reject', body: { code: 'function-unknown' } });
});

test('a creator takes its task back, and nobody else does', async () => {
  const open = world.sandbox.hold();
  const running = [await caller.sign(), await caller.sign({ cond: { lane: '2', base: '0' } })];
  const waiting = await caller.sign({ cond: { lane: '3', base: '0' } });
  for (const one of [...running, waiting]) {
    expect((await peer.said(offer(one))).type).toBe('task.accept');
  }
  const cancel: Message = { type: 'task.cancel', body: { task: waiting.task } };
  const stranger = await meet(77);
  expect(await stranger.ask(cancel)).toMatchObject({ ok: false, detail: 'task-unknown' });
  expect(await peer.said(cancel)).toMatchObject({
    type: 'task.reject',
    body: { task: waiting.task, code: 'cancelled' },
  });
  open();
  for (const { task } of running) await peer.told(task);
  expect(world.sandbox.runs).toBe(2);
});

test('what only an edge may say is nothing that a peer can say', async () => {
  for (const message of [
    { type: 'channel.changed', body: { ch: caller.ch, state: 'closing' } },
    { type: 'verdict.request', body: { claim: caller.ch } },
    { type: 'presence', body: { queue: 0, running: 0, capacity: 1 } },
  ] as const) {
    expect(await peer.ask(message)).toMatchObject({ ok: false, detail: 'message-unexpected' });
  }
  const voucher = await caller.payment(await caller.sign(), await ran());
  const forged = { ...voucher.voucher, body: { ...voucher.voucher.body, cum: '900000' } };
  const answer = await peer.ask({ type: 'voucher.deliver', body: { voucher: forged } });
  expect(answer).toMatchObject({ ok: false, code: 'refused', detail: 'signature-invalid' });
});

async function ran() {
  const signed = await caller.sign();
  await peer.said(offer(signed));
  return peer.told(signed.task);
}

test('a channel is co-signed by the rules of the link, and half-open ones are bounded', async () => {
  const propose = async (changes = {}): Promise<Message> => {
    const body = caller.openBody(changes);
    const { network } = world.edge;
    const envelope = await sealEnvelope(network, 'paych.open', body, caller.signer);
    return { type: 'channel.proposal', body: { kind: 'open', envelope } };
  };
  const poor = await peer.ask(await propose({ window_ms: '1000' }));
  expect(poor).toMatchObject({ ok: false, detail: 'window-too-short' });
  const both = [caller.signer.did, world.node?.did].map((by) => ({ by }));
  expect(await peer.said(await propose())).toMatchObject({
    type: 'channel.accept',
    body: { kind: 'open', envelope: { sigs: both } },
  });
  let opened = 1;
  while ((await peer.ask(await propose())).ok) opened += 1;
  expect(opened).toBe(64);
});

test('an objection is its creator’s alone to tell', async () => {
  const receipt = idOf(world.edge.network, 'task.receipt', await ran());
  const body = { receipt, reason: 'output-differs' };
  const { network } = world.edge;
  const objection = await sealEnvelope(network, 'task.objection', body, caller.signer);
  const stranger = await meet(77);
  const message: Message = { type: 'task.objection', body: { objection } };
  expect(await stranger.ask(message)).toMatchObject({ ok: false, detail: 'receipt-unknown' });
  expect(await peer.ask(message)).toMatchObject({ ok: true, value: { message: null } });
  expect(world.lines.filter(({ event }) => event === 'receipt objected')).toHaveLength(1);
});

test('a task offered by the link and the mesh at once runs once, and both hear of it', async () => {
  const signed = await caller.sign();
  world.edge.deliver('directory', 'task.offer', signed.body);
  await peer.said(offer(signed));
  const told = await peer.told(signed.task);
  const linked = await caller.result(signed.task);
  expect(linked).toEqual(told);
  expect(world.sandbox.runs).toBe(1);
});

test('an edge that learns of a task as it ends hears of its accept before its result', async () => {
  const open = world.sandbox.hold();
  const signed = await caller.sign();
  await peer.said(offer(signed));
  afterWrite = async (statements) => {
    if (!statements.some((one) => one.sql.startsWith('UPDATE task SET at_edge'))) return;
    open();
    await peer.told(signed.task);
  };
  world.edge.deliver('directory', 'task.offer', signed.body);
  await caller.result(signed.task);
  expect(toldToEdge().slice(0, 2)).toEqual(['task.accept', 'task.result']);
});

test('a gateway that asks when all is done has the accept, which the edge needs first', async () => {
  const signed = await caller.sign();
  await peer.said(offer(signed));
  await peer.told(signed.task);
  const gateway = await meet(77);
  expect((await gateway.said(offer(signed))).type).toBe('task.accept');
  expect(world.sandbox.runs).toBe(1);
});

test('an edge that learns of a task later is told what became of it', async () => {
  const signed = await caller.sign();
  await peer.said(offer(signed));
  const told = await peer.told(signed.task);
  expect(toldToEdge()).toEqual([]);
  world.edge.deliver('directory', 'task.offer', signed.body);
  expect(await caller.result(signed.task)).toEqual(told);
  expect(toldToEdge()).toEqual(['task.accept', 'task.result']);
  expect(world.sandbox.runs).toBe(1);
});

test('an edge that learns of it only when it is paid is told that it is settled', async () => {
  const signed = await caller.sign();
  await peer.said(offer(signed));
  const voucher = await caller.payment(signed, await peer.told(signed.task));
  await peer.ask({ type: 'voucher.deliver', body: voucher });
  world.edge.deliver('directory', 'task.offer', signed.body);
  const reject = await world.edge.message('task.reject', ({ task }) => task === signed.task);
  expect(reject.body.code).toBe('settled');
  expect(toldToEdge()).toEqual(['task.reject']);
});

test('a result that its creator does not take is told again, and claimed when nobody pays', async () => {
  peer.takesResults = false;
  const signed = await caller.sign();
  await accepted(signed);
  await world.passUntil(500, () =>
    world.lines.some(({ event }) => event === 'result not taken yet'),
  );
  peer.takesResults = true;
  await world.passUntil(500, () => peer.results.length > 0);
  expect(peer.results).toHaveLength(1);
  await world.passUntil(5_000, () => world.edge.claims.length > 0);
  expect(world.edge.claims).toHaveLength(1);
});

test('an output too large for a message follows it', async () => {
  const large = new Uint8Array(65_537).fill(7);
  const { run } = world.sandbox;
  world.sandbox.run = async (task) => {
    const outcome = await run(task);
    const isTask = task.call.abi === 'call' && task.call.fn === 'hello';
    return outcome.ok && isTask ? { ...outcome, output: large } : outcome;
  };
  const signed = await caller.sign();
  await accepted(signed);
  await peer.told(signed.task);
  expect(peer.results[0]?.output).toBeUndefined();
  expect(peer.results[0]?.bytes).toEqual(large);
  const again = await peer.ask(offer(signed));
  expect(again.ok && again.value.body).toEqual(large);
  expect(world.edge.blobs.size).toBe(1);
});
