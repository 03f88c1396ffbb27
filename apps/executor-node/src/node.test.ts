import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.make();
});
test('a clock that is far from the edge’s is said', async () => {
  world.edge.now = () => world.time.now() + 45_000;
  await world.start();
  await world.passUntil(0, () => world.lines.some(({ event }) => event === 'clock off'));
});

afterEach(async () => {
  await world.end();
  expect(world.failures).toEqual([]);
});

test('an output too large for a message is put as a blob before its receipt is sent', async () => {
  const large = new Uint8Array(65_537).fill(7);
  const { run } = world.sandbox;
  world.sandbox.run = async (task) => {
    const outcome = await run(task);
    return outcome.ok && task.call.abi === 'call' && task.call.fn === 'hello'
      ? { ...outcome, output: large }
      : outcome;
  };
  const caller = await world.ready();
  world.edge.isHttpDown = true;
  const { task } = await caller.offer();
  await world.passUntil(100, () => world.lines.some(({ event }) => event === 'output not stored'));
  expect(world.edge.received.some(({ type }) => type === 'task.result')).toBe(false);
  world.edge.isHttpDown = false;
  await world.passUntil(1_000, () =>
    world.edge.received.some(({ type }) => type === 'task.result'),
  );
  const receipt = await caller.result(task);
  expect(world.edge.blobs.get(receipt.output)).toHaveLength(large.length);
  expect(
    world.edge.received.find(({ type }) => type === 'task.result')?.body.output,
  ).toBeUndefined();
});

test('a node that stops hands over what runs; what waits runs after the next start', async () => {
  const caller = await world.ready();
  const open = world.sandbox.hold();
  const placed = await Promise.all(
    ['1', '2', '3'].map((lane) => caller.offer({ cond: { lane, base: '0' } })),
  );
  for (const { task } of placed) {
    await world.edge.message('task.accept', (body) => JSON.stringify(body).includes(task));
  }
  const stopping = world.node?.stop(8_000);
  const late = await caller.offer({ cond: { lane: '4' } });
  const busy = await world.edge.message('task.reject', (body) => body.task === late.task);
  expect(busy.body).toMatchObject({ code: 'busy' });
  open();
  await world.passUntil(20, () => results() === 2);
  world.time.advance(8_000);
  await stopping;
  await world.state?.close();
  await world.start();
  await world.edge.until(() => results() === 3);
  expect(world.sandbox.runs).toBe(3);

  function results(): number {
    return world.edge.received.filter(({ type }) => type === 'task.result').length;
  }
});

test('a host that fails twice gives the task up: no receipt, and the lane is free', async () => {
  const { run } = world.sandbox;
  let faults = 0;
  world.sandbox.run = (task) => {
    const isTask = task.call.abi === 'call' && task.call.fn === 'hello';
    if (!isTask || faults === 2) return run(task);
    faults += 1;
    return Promise.resolve({ ok: false, code: 'worker-died' });
  };
  const caller = await world.ready();
  const { task } = await caller.offer();
  const reject = await world.edge.message('task.reject', (body) => body.task === task);
  expect(reject.body).toMatchObject({ code: 'worker-died' });
  const again = await caller.offer();
  expect((await caller.result(again.task)).status).toBe('ok');
});

test('a task is run, paid and redeemed, and every amount has its voucher and receipt', async () => {
  const caller = await world.ready();
  const placed = await caller.offer();
  const receipt = await caller.result(placed.task);
  expect(receipt).toMatchObject({ status: 'ok', executor: world.node?.did, lane: '1' });
  await world.edge.acked('ledger', await caller.pay(placed, receipt));

  const seq = await caller.close(BigInt(receipt.price));
  await world.edge.acked('ledger', seq);
  await world.edge.message('channel.accept', (body) => body.kind === 'close');
  expect(world.edge.redeemed).toEqual([
    { ch: caller.ch, lane: '1', cum: receipt.price, receipts: 1 },
  ]);
  const earnings = await world.node?.execute({ command: 'earnings' });
  expect(earnings).toMatchObject({
    ok: true,
    value: { total: receipt.price, redeemed: receipt.price, held: '0' },
  });
});
