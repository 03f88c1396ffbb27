import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Caller } from './testing/caller.ts';
import { type CrashPoint, crashingDatabase } from './testing/crashing-database.ts';
import { World } from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await World.make();
});
afterEach(async () => {
  await world.end();
});

/** More writes than the whole story has, each once before and once after its commit. */
const WRITES_MAX = 40;

/**
 * One task from offer to settlement: offered, run, paid, closed. The edge and the caller only wait
 * for what they are told; whether the node died in between is not theirs to know.
 */
async function story(caller: Caller): Promise<{ task: string; price: string }> {
  const placed = await caller.offer();
  const receipt = await caller.result(placed.task);
  await world.edge.acked('ledger', await caller.pay(placed, receipt));
  await caller.close(BigInt(receipt.price));
  await world.edge.message('channel.accept', (body) => body.kind === 'close');
  return { task: placed.task, price: receipt.price };
}

/** Starts the node with its card and a channel, then lets it die at `point` of its next life. */
async function diesAt(point: CrashPoint): Promise<boolean> {
  const caller = await world.ready();
  await world.outboxEmpty();
  await world.stop();
  let hasDied = false;
  world.wrap = (inner) =>
    crashingDatabase(inner, point, () => {
      hasDied = true;
      world.wrap = (healthy) => healthy;
      // Not within the dying write: whoever waits for it never hears of it.
      setImmediate(() => {
        world.abandon().then(
          () => world.start(),
          (cause) => world.failures.push(cause),
        );
      });
    });
  // The first writes are those of the start itself, whose promise dies with it.
  world.launch().catch(() => undefined);
  const { task, price } = await story(caller);
  const died = hasDied;
  // The story is over: the stop of the test may write in peace.
  point.write = Number.POSITIVE_INFINITY;

  const receipts = world.edge.received.filter((m) => m.type === 'task.result');
  const distinct = new Set(receipts.map(({ body }) => JSON.stringify(body.receipt)));
  expect(distinct.size, 'one receipt, however often it was sent').toBe(1);
  expect(world.edge.redeemed, 'redeemed once').toMatchObject([{ cum: price, receipts: 1 }]);
  const earnings = await world.node?.execute({ command: 'earnings' });
  expect(earnings).toMatchObject({
    value: { total: price, earnings: [{ amount: price, receipts: [{ task }] }] },
  });
  expect(world.failures).toEqual([]);
  return died;
}

test.each(['before', 'after'] as const)(
  'a node that is killed just %s any of its commits loses no receipt and doubles none',
  async (when) => {
    for (let write = 1; write <= WRITES_MAX; write++) {
      const hasDied = await diesAt({ write, when });
      // Past the last write of the story: every point was tried.
      if (!hasDied) {
        expect(write).toBeGreaterThan(8);
        return;
      }
      await world.end();
      world = await World.make();
    }
    expect.unreachable('the story has more writes than were tried');
  },
);
