import { afterEach, beforeEach, expect, test } from 'vitest';
import { World } from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  await world.end();
  expect(world.failures).toEqual([]);
});

test('a task is taken, run, paid and redeemed, and every amount has its voucher and receipt', async () => {
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
