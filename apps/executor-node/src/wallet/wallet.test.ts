import {
  CLAIM_AFTER_RESULT_MS,
  createSigner,
  MAILBOX_REDEEM_MS,
  type PaychOpen,
} from '@zerostate/shared';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Caller } from '../testing/caller.ts';
import { World } from '../testing/world.ts';
import { AGE_LOOK_MS, DEFAULT_EXPOSURE, REDEEM_AGE_MS_MAX } from './context.ts';

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  await world.end();
  expect(world.failures).toEqual([]);
});

const HOUR = 3_600_000;
async function refusedWith(seq: number): Promise<string | undefined> {
  await world.edge.acked('ledger', seq);
  return world.edge.errors.find(({ re }) => re.db === 'ledger' && re.seq === seq)?.code;
}

async function earned(): Promise<Record<string, unknown>> {
  const answer = await world.node?.execute({ command: 'earnings' });
  if (!answer?.ok) throw new Error('no earnings');
  return answer.value as Record<string, unknown>;
}

async function doneTask(caller: Caller) {
  const placed = await caller.offer();
  const receipt = await caller.result(placed.task);
  return { placed, receipt };
}

test('a voucher that pays nothing, overpays or is not the payer’s has its code', async () => {
  const caller = await world.ready();
  const { placed, receipt } = await doneTask(caller);
  await world.edge.acked('ledger', await caller.pay(placed, receipt));
  const cum = receipt.price;
  const stranger = await createSigner(new Uint8Array(32).fill(50));
  const cases: [string, Promise<number>][] = [
    ['voucher-not-higher', caller.voucher({ lane: '1', cum: '1', memo: '' })],
    ['fund-exceeded', caller.voucher({ lane: '1', cum: '1000001', memo: '' })],
    ['signer-missing', caller.voucher({ lane: '1', cum: '9000', memo: '' }, stranger)],
    ['body-invalid', caller.voucher({ lane: '256', cum: '9000', memo: '' })],
  ];
  for (const [code, seq] of cases) expect(await refusedWith(await seq)).toBe(code);
  expect(await earned()).toMatchObject({ total: cum, held: cum });
});

test('the same voucher twice is one amount', async () => {
  const caller = await world.ready();
  const { placed, receipt } = await doneTask(caller);
  const seq = await caller.pay(placed, receipt);
  const copy = world.edge.deliver('ledger', 'voucher.deliver', world.edge.sent('ledger', seq));
  expect(await refusedWith(copy)).toBeUndefined();
  expect(await earned()).toMatchObject({ total: receipt.price });
});

test('the newest earnings are listed, with the sums of all', async () => {
  const caller = await world.ready();
  const prices: bigint[] = [];
  let last = '';
  for (let i = 0; i < 3; i++) {
    const { placed, receipt } = await doneTask(caller);
    await world.edge.acked('ledger', await caller.pay(placed, receipt));
    prices.push(BigInt(receipt.price));
    last = placed.task;
    world.time.advance(1);
  }
  const total = String(prices.reduce((sum, price) => sum + price, 0n));
  const newest = await world.node?.execute({ command: 'earnings', limit: 1 });
  expect(newest).toMatchObject({
    value: {
      total,
      held: total,
      more: true,
      earnings: [{ amount: String(prices[2]), receipts: [{ task: last }] }],
    },
  });
  expect(newest?.ok && (newest.value as { earnings: unknown[] }).earnings).toHaveLength(1);
  const all = await earned();
  expect(all).toMatchObject({ total, more: false });
  expect(all.earnings).toHaveLength(3);
});

test('more than a tenth of the fund is never left unredeemed', async () => {
  const caller = await world.ready();
  await world.edge.acked('ledger', await caller.voucher({ lane: '0', cum: '100000', memo: '' }));
  expect(world.edge.redeemed).toEqual([]);
  await caller.voucher({ lane: '0', cum: '100001', memo: '' });
  await world.edge.until(() => world.edge.redeemed[0]);
  expect(world.edge.redeemed[0]).toMatchObject({ cum: '100001' });
});

test.each([DEFAULT_EXPOSURE.ageMsMax, REDEEM_AGE_MS_MAX])(
  'a voucher held for %i ms is redeemed with its receipt before the edge would without',
  async (ageMsMax) => {
    world.exposure = { ...DEFAULT_EXPOSURE, ageMsMax };
    const caller = await world.ready();
    const { placed, receipt } = await doneTask(caller);
    const heldAt = world.time.now();
    await world.edge.acked('ledger', await caller.pay(placed, receipt));
    const heldMs = (): number => world.time.now() - heldAt;
    await world.passUntil(10_000, () => heldMs() >= ageMsMax - 10_000);
    expect(world.edge.redeemed).toEqual([]);
    await world.passUntil(10_000, () => heldMs() >= ageMsMax + AGE_LOOK_MS);
    // Time stands still from here: what is on its way was asked for by now.
    await world.edge.until(() => world.edge.redeemed[0]);
    expect(heldMs()).toBeLessThan(MAILBOX_REDEEM_MS);
    expect(world.edge.redeemed).toMatchObject([{ cum: receipt.price, receipts: 1 }]);
  },
);

test('the share that may stay unredeemed is the operator’s', async () => {
  world.exposure = { ...DEFAULT_EXPOSURE, percentMax: 50n };
  const caller = await world.ready();
  await world.edge.acked('ledger', await caller.voucher({ lane: '0', cum: '500000', memo: '' }));
  expect(world.edge.redeemed).toEqual([]);
  // Over all lanes together.
  await caller.voucher({ lane: '1', cum: '1', memo: '' });
  await world.edge.until(() => world.edge.redeemed.length === 2);
  expect(world.edge.redeemed).toMatchObject([{ cum: '500000' }, { cum: '1' }]);
});

test.each(['at once', 'after a restart'])(
  'the rest of a voucher that was paid in part is proved by its receipts, %s',
  async (when) => {
    const caller = await world.ready();
    let price = 0n;
    for (let task = 0; task < 2; task++) {
      const { placed, receipt } = await doneTask(caller);
      price += BigInt(receipt.price);
      await world.edge.acked('ledger', await caller.pay(placed, receipt));
    }
    // The first receipt would be covered: the voucher commits to both.
    world.edge.payable = price - 1n;
    await world.passUntil(1_000, () => world.edge.redeemed.length === 1);
    expect(world.edge.redeemed[0]).toMatchObject({ cum: String(price - 1n) });
    if (when === 'after a restart') {
      await world.stop();
      await world.start();
    }
    // What somebody else moved on the ledger is heard of by a refresh.
    world.edge.deliver('ledger', 'channel.changed', { ch: caller.ch, state: 'active' });
    await world.settle();
    world.edge.payable = price;
    await world.passUntil(1_000, () => world.edge.redeemed.length === 2);
    expect(world.edge.redeemed[1]).toMatchObject({ cum: String(price), receipts: 2 });
  },
);

test('an unpaid receipt is claimed 30 s after its delivery, until it is taken', async () => {
  const caller = await world.ready();
  world.edge.refuseClaim = () => 'storage-unavailable';
  const { placed } = await doneTask(caller);
  await world.outboxEmpty();
  const deliveredBy = world.time.now();
  await world.passUntil(1_000, () => world.lines.some(({ event }) => event === 'claim not filed'));
  expect(world.time.now() - deliveredBy).toBeGreaterThanOrEqual(CLAIM_AFTER_RESULT_MS - 1_000);
  world.edge.refuseClaim = () => null;
  await world.passUntil(1_000, () => world.edge.claims.length > 0);
  expect(world.edge.claims[0]?.cond.body).toMatchObject({ task: placed.task });
});

test('a posted claim is an amount, and a later voucher adds the rest', async () => {
  const caller = await world.ready();
  const { placed, receipt } = await doneTask(caller);
  await world.outboxEmpty();
  await world.passUntil(1_000, () => world.edge.claims.length > 0);
  const channel = world.edge.channels.get(caller.ch);
  const claim = channel?.claims[0];
  if (claim === undefined || channel === undefined) throw new Error('no claim');
  Object.assign(claim, { state: 'posted' });
  channel.lanes.push({ dir: caller.dir, lane: 1, cum: receipt.price, memo: claim.id });
  await world.passUntil(1_000, () =>
    world.lines.some(({ event, fields }) => event === 'claim filed' && fields.task === placed.task),
  );
  world.edge.deliver('ledger', 'channel.changed', { ch: caller.ch, state: 'active' });
  await world.passUntil(
    1_000,
    () => world.lines.filter((l) => l.event === 'channel changed').length > 1,
  );
  expect(await earned()).toMatchObject({
    total: receipt.price,
    redeemed: receipt.price,
    earnings: [{ by: 'claim', receipts: [{ task: placed.task }] }],
  });
  const more = String(BigInt(receipt.price) + 7n);
  await world.edge.acked('ledger', await caller.voucher({ lane: '1', cum: more, memo: '' }));
  expect(await earned()).toMatchObject({ total: more });
});

test('a channel is co-signed only by the policy, each rule with its code', async () => {
  const caller = await world.ready();
  const now = world.time.now();
  const own = caller.dir === 'a' ? 'fund_b' : 'fund_a';
  const payer = caller.dir === 'a' ? 'fund_a' : 'fund_b';
  const cases: [string, Partial<PaychOpen>][] = [
    ['fund-asked', { [own]: '1' }],
    ['fund-too-small', { [payer]: '999' }],
    ['window-too-short', { window_ms: '599999' }],
    ['lifetime-too-short', { expires_at: String(now + 24 * HOUR) }],
    ['open-by-passed', { open_by: String(now) }],
    ['asset-wrong', { asset: 'shells' }],
  ];
  for (const [code, changes] of cases) {
    const { seq } = await caller.propose(changes);
    expect(await refusedWith(seq)).toBe(code);
  }
  expect(world.edge.received.filter((m) => m.type === 'channel.accept')).toHaveLength(1);
});

test('a close is not signed while work is unpaid, nor for less than what is held', async () => {
  const caller = await world.ready();
  const { placed, receipt } = await doneTask(caller);
  expect(await refusedWith(await caller.close(0n))).toBe('cond-open');
  await world.edge.acked('ledger', await caller.pay(placed, receipt));
  const price = BigInt(receipt.price);
  expect(await refusedWith(await caller.close(price - 1n))).toBe('total-too-low');
  await caller.close(price);
  await world.edge.message('channel.accept', (body) => body.kind === 'close');
  expect(world.edge.redeemed).toMatchObject([{ cum: receipt.price, receipts: 1 }]);
});

test('a close waits for the redemption, however long the edge is away', async () => {
  const caller = await world.ready();
  const { placed, receipt } = await doneTask(caller);
  await world.edge.acked('ledger', await caller.pay(placed, receipt));
  world.edge.isHttpDown = true;
  await world.edge.acked('ledger', await caller.close(BigInt(receipt.price)));
  world.edge.isHttpDown = false;
  const isSigned = (): boolean => world.edge.received.some((m) => m.body.kind === 'close');
  await world.passUntil(1_000, isSigned);
  expect(world.edge.redeemed).toHaveLength(1);
});
