import { createSigner } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Caller, type Order, type Placed } from '../testing/caller.ts';
import { World } from '../testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  await world.end();
  expect(world.failures).toEqual([]);
});

const HOUR = 3_600_000;
const OTHER_HASH = `${'B'.repeat(42)}A`;
const bytes = new Uint8Array([1, 2, 3]);

async function rejected(task: string): Promise<Record<string, unknown>> {
  return (await world.edge.message('task.reject', (body) => body.task === task)).body;
}

/** An order and what it is turned down with. `now` is the time of the offer. */
const REFUSED: [code: string, detail: string | undefined, order: (now: number) => Order][] = [
  ['agent-unknown', 'nobody', () => ({ manifest: { agent: 'nobody' } })],
  ['module-not-offered', OTHER_HASH, () => ({ manifest: { module: OTHER_HASH } })],
  ['module-not-offered', undefined, () => ({ manifest: { fn: 'goodbye' } })],
  ['argument-count', '1 of 0', () => ({ manifest: { args: ['1'] } })],
  ['input-wrong', 'input_len', () => ({ manifest: { input_len: '5' }, input: bytes })],
  ['input-wrong', 'input', () => ({ manifest: { input: OTHER_HASH } })],
  ['channel-wrong', undefined, () => ({ cond: { dir: 'a' } })],
  ['not-found', undefined, () => ({ cond: { ch: OTHER_HASH } })],
  ['executor-wrong', undefined, () => ({ cond: { executor: stranger.did } })],
  ['task-wrong', undefined, () => ({ cond: { task: OTHER_HASH } })],
  ['cap-wrong', undefined, () => ({ cond: { cap: '4999' } })],
  ['cap-invalid', undefined, overflow],
  ['cond-not-after-wrong', undefined, (now) => ({ cond: { not_after: String(now + HOUR) } })],
  ['price-below-card', 'price_base', () => ({ manifest: { price_base: '999' } })],
  ['price-below-card', 'price_per_mgas', () => ({ manifest: { price_per_mgas: '99' } })],
  ['price-below-card', 'price_per_page', () => ({ manifest: { price_per_page: '9' } })],
  ['price-max-below-base', undefined, () => ({ manifest: { price_max: '999' } })],
  ['limit-exceeds-card', 'gas_max', () => ({ manifest: { gas_max: '1000001' } })],
  ['limit-exceeds-card', 'pages_max', () => ({ manifest: { pages_max: '65' } })],
  ['limit-exceeds-card', 'wall_ms_max', () => ({ manifest: { wall_ms_max: '600001' } })],
  ['limit-exceeds-card', 'input_len', () => ({ manifest: { input_len: '100001' } })],
  ['limit-exceeds-card', 'output_max', () => ({ manifest: { output_max: '1048577' } })],
  ['meter-unknown', undefined, () => ({ manifest: { meter: `zsm1-${OTHER_HASH}` } })],
  ['gas-exceeds-wall', undefined, () => ({ manifest: { gas_max: '500001', wall_ms_max: '1' } })],
  ['not-after-too-soon', undefined, (now) => ({ manifest: { not_after: String(now + 60_000) } })],
  ['fund-exceeded', undefined, () => ({ manifest: { price_max: '1000001' } })],
];

const stranger = await createSigner(new Uint8Array(32).fill(77));

function overflow(): Order {
  return { manifest: { price_max: '9007199254740991' }, cond: { base: '1' } };
}

describe('an offer that might not be paid is turned down', () => {
  test('each rule once, with its code, and nothing is run', async () => {
    const caller = await world.ready();
    const other = caller.dir === 'a' ? 'b' : 'a';
    for (const [code, detail, make] of REFUSED) {
      const order = make(world.time.now());
      if (order.cond?.dir !== undefined) order.cond.dir = other;
      const { task } = await caller.offer(order);
      const key = order.cond?.task ?? task;
      const answer = await rejected(key === OTHER_HASH ? task : key);
      expect({ code: answer.code, detail: answer.detail }, `${code} ${detail}`).toEqual(
        detail === undefined ? expect.objectContaining({ code }) : { code, detail },
      );
    }
    expect(world.sandbox.runs).toBe(0);
  });

  test('a cond that another than the creator signed is refused as a message', async () => {
    const caller = await world.ready();
    const { seq } = await caller.offer({ payer: stranger });
    await world.edge.acked('directory', seq);
    expect(world.edge.errors).toMatchObject([
      { code: 'signer-missing', re: { db: 'directory', seq } },
    ]);
  });

  test('a creator that is not the payer of the channel cannot spend from it', async () => {
    const caller = await world.ready();
    const thief = await Caller.make(world.edge, world.time, world.node?.did ?? '', world.module, 6);
    thief.ch = caller.ch;
    const { task } = await thief.offer();
    expect(await rejected(task)).toMatchObject({ code: 'payer-wrong' });
  });

  test('a lane whose last task is unpaid is busy until it is paid', async () => {
    const caller = await world.ready();
    const first = await caller.offer();
    const receipt = await caller.result(first.task);
    const second = await caller.offer();
    await world.passUntil(100, () => world.edge.received.some((m) => m.type === 'task.reject'));
    expect((await rejected(second.task)).code).toBe('lane-busy');
    await world.edge.acked('ledger', await caller.pay(first, receipt));
    const third = await caller.offer();
    expect((await caller.result(third.task)).status).toBe('ok');
  });

  test('an offer that overtakes its lane’s voucher waits for it', async () => {
    const caller = await world.ready();
    const first = await caller.offer();
    const receipt = await caller.result(first.task);
    const price = BigInt(receipt.price);
    caller.lanes.set(1, { cum: price, memo: '' });
    const second = await caller.offer();
    caller.lanes.set(1, { cum: 0n, memo: '' });
    await world.settle();
    await caller.pay(first, receipt);
    expect((await caller.result(second.task)).status).toBe('ok');
  });

  test('a second task on the same base is refused: it would be free', async () => {
    const caller = await world.ready();
    const first = await caller.offer();
    await world.edge.acked('ledger', await caller.pay(first, await caller.result(first.task)));
    const { task } = await caller.offer({ cond: { base: '0' } });
    expect((await rejected(task)).code).toBe('base-too-low');
  });

  test('a channel that expires within its window takes no new task', async () => {
    const caller = await world.ready();
    const expires = world.time.now() + 24 * HOUR + 10_000;
    const { ch } = await caller.propose({ expires_at: String(expires) });
    await world.edge.message('channel.accept', (body) =>
      JSON.stringify(body).includes(`${expires}`),
    );
    const accept = world.edge.received.findLast((m) => m.type === 'channel.accept');
    caller.ch = ch;
    caller.activate(ch, accept?.body.envelope as never);
    world.time.advance(10_000);
    const { task } = await caller.offer();
    expect((await rejected(task)).code).toBe('channel-expiring');
  });

  test('a wall limit that does not fit the window is refused', async () => {
    const caller = await world.ready();
    const { ch } = await caller.propose({ window_ms: '600000' });
    await world.edge.until(() => world.edge.received.filter((m) => m.type === 'channel.accept')[1]);
    const accept = world.edge.received.findLast((m) => m.type === 'channel.accept');
    caller.ch = ch;
    caller.activate(ch, accept?.body.envelope as never);
    const { task } = await caller.offer({ manifest: { wall_ms_max: '600000' } });
    expect((await rejected(task)).code).toBe('wall-exceeds-window');
  });

  test('a node with too much to do before says busy and when to come again', async () => {
    const caller = await world.ready();
    const not_after = String(world.time.now() + 10_000 + 60_000 + 1_000);
    const { task } = await caller.offer({ manifest: { not_after } });
    expect(await rejected(task)).toMatchObject({ code: 'busy', retry_ms: 5_000 });
  });

  test('no task is taken on a channel whose close was agreed to', async () => {
    const caller = await world.ready();
    world.edge.isHttpDown = true;
    await world.edge.acked('ledger', await caller.close(0n));
    const { task } = await caller.offer();
    expect((await rejected(task)).code).toBe('channel-not-active');
  });
});

test('a cancelled task that has not started is dropped, and its lane is free again', async () => {
  const caller = await world.ready();
  const open = world.sandbox.hold();
  const placed: Placed[] = [];
  for (const lane of ['1', '2', '3']) {
    const one = await caller.offer({ cond: { lane, base: '0' } });
    await accepted(one.task);
    placed.push(one);
  }
  // Two run at the same time; the third waits.
  const waiting = placed[2]?.task ?? '';
  world.edge.deliver('directory', 'task.cancel', { task: waiting });
  expect((await rejected(waiting)).code).toBe('cancelled');
  open();
  await caller.result(placed[0]?.task ?? '');
  const again = await caller.offer({ cond: { lane: '3', base: '0' } });
  expect((await caller.result(again.task)).status).toBe('ok');
  expect(world.sandbox.runs).toBe(3);
});

function accepted(task: string) {
  return world.edge.message('task.accept', (body) => JSON.stringify(body).includes(task));
}

test('an offer that comes again is answered again, and is not run again', async () => {
  const caller = await world.ready();
  const { task, seq } = await caller.offer();
  const receipt = await caller.result(task);
  await world.outboxEmpty();
  const before = world.edge.received.length;
  const offer = world.edge.sent('directory', seq);
  const copy = world.edge.deliver('directory', 'task.offer', offer);
  await world.edge.acked('directory', copy);
  await world.edge.until(() =>
    world.edge.received.slice(before).find((m) => m.type === 'task.result'),
  );
  const results = world.edge.received.filter((m) => m.type === 'task.result');
  expect(new Set(results.map((m) => JSON.stringify(m.body))).size).toBe(1);
  expect(receipt.task).toBe(task);
  expect(world.sandbox.runs).toBe(1);
});
