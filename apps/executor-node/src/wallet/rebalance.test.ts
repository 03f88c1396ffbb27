import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Caller } from '../testing/caller.ts';
import { World } from '../testing/world.ts';
import { AGE_LOOK_MS } from './context.ts';
import { planRolls } from './rebalance.ts';

describe('a plan', () => {
  test('fills the largest deficit from the largest surplus of another channel', () => {
    const budgets = [
      { ch: 'a', fund: 1_000n, spendable: 100n },
      { ch: 'b', fund: 1_000n, spendable: 0n },
      { ch: 'c', fund: 1_000n, spendable: 200n },
    ];
    const incomes = [
      { ch: 'a', amount: 30n },
      { ch: 'b', amount: 999n },
      { ch: 'd', amount: 260n },
    ];
    // b lacks 250: (0 + 250) / (1000 + 250) is a fifth. a lacks 125.
    expect(planRolls(budgets, incomes, 20n)).toEqual([
      { from: 'd', to: 'b', amount: 250n },
      { from: 'b', to: 'a', amount: 125n },
    ]);
  });

  const amount = fc.bigInt({ min: 0n, max: 1_000_000n });
  const ch = fc.integer({ min: 0, max: 9 }).map(String);
  const budget = fc
    .record({ ch, fund: amount, part: fc.bigInt({ min: 0n, max: 100n }) })
    .map((one) => ({ ch: one.ch, fund: one.fund, spendable: (one.fund * one.part) / 100n }));
  const unique = { selector: (one: { ch: string }) => one.ch };

  test('moves income alone, never to its own channel, and no more than reaches the goal', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(budget, unique),
        fc.uniqueArray(fc.record({ ch, amount }), unique),
        (budgets, incomes) => {
          const rolls = planRolls(budgets, incomes, 20n);
          const sum = (key: 'from' | 'to', id: string) =>
            rolls.filter((roll) => roll[key] === id).reduce((all, roll) => all + roll.amount, 0n);
          for (const { from, to, amount: moved } of rolls) {
            expect(from).not.toBe(to);
            expect(moved > 0n).toBe(true);
          }
          for (const income of incomes) expect(sum('from', income.ch) <= income.amount).toBe(true);
          for (const { ch: id, fund, spendable } of budgets) {
            const came = sum('to', id);
            // One micro-unit less would not have been too much.
            if (came > 0n) expect((spendable + came - 1n) * 5n < fund + came - 1n).toBe(true);
          }
        },
      ),
    );
  });
});

describe('a node', () => {
  let world: World;
  beforeEach(async () => {
    world = await World.make();
  });
  afterEach(async () => {
    await world.end();
    expect(world.failures).toEqual([]);
  });

  const ask = async (command: Parameters<NonNullable<World['node']>['execute']>[0]) => {
    const answer = await world.node?.execute(command);
    if (answer === undefined || !answer.ok) throw new Error(answer?.code);
    return answer.value;
  };

  /** A second channel with another caller. */
  async function another(fill: number): Promise<Caller> {
    const clock = { now: () => world.time.now() };
    const did = world.node?.did ?? '';
    const caller = await Caller.make(world.edge, clock, did, world.module, fill);
    await caller.open();
    return caller;
  }

  test('refills a budget of its own that is nearly spent from what it earned elsewhere', async () => {
    const payer = await world.ready();
    const peer = await another(6);
    await ask({ command: 'channel-topup', ch: peer.ch, amount: '1000' });
    const own = peer.dir === 'a' ? 'b' : 'a';
    // The node's other program has spent it all.
    world.edge.channels.get(peer.ch)?.lanes.push({ dir: own, lane: 0, cum: '1000', memo: '' });
    await world.edge.acked('ledger', await payer.voucher({ lane: '0', cum: '900', memo: '' }));
    // One look, and then no more time: the voucher must not become old enough to be redeemed alone.
    world.time.advance(AGE_LOOK_MS);
    await world.passUntil(0, () => world.edge.funded.length > 1);
    expect(world.edge.redeemed).toMatchObject([{ ch: payer.ch, cum: '900' }]);
    expect(world.edge.funded[1]).toEqual({ ch: peer.ch, dir: own, amount: '250', by: 'roll' });
    // The goal is reached: nothing more moves.
    world.time.advance(120_000);
    await world.settle();
    expect(world.edge.funded).toHaveLength(2);
    expect(await ask({ command: 'channel-list' })).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ ch: peer.ch, own_fund: '1250', own_spendable: '250' }),
      ]),
    );
  });

  test('knows its own funds after a restart', async () => {
    const peer = await world.ready();
    await ask({ command: 'channel-topup', ch: peer.ch, amount: '1000' });
    await world.stop();
    await world.start();
    expect(await ask({ command: 'channel-list' })).toMatchObject([{ own_fund: '1000' }]);
  });

  test('rolls what a channel holds when it is told to, and says when that is nothing', async () => {
    const payer = await world.ready();
    const peer = await another(6);
    const roll = { command: 'channel-roll', from: payer.ch, to: peer.ch } as const;
    expect(await world.node?.execute(roll)).toMatchObject({ code: 'nothing-to-roll' });
    await world.edge.acked('ledger', await payer.voucher({ lane: '0', cum: '77', memo: '' }));
    expect(await ask(roll)).toMatchObject({ ch: peer.ch, own_fund: '77', own_spendable: '77' });
    expect(await world.node?.execute({ ...roll, to: payer.ch })).toMatchObject({
      code: 'channel-wrong',
    });
  });

  test('redeems before it closes alone', async () => {
    const payer = await world.ready();
    await world.edge.acked('ledger', await payer.voucher({ lane: '0', cum: '77', memo: '' }));
    expect(world.edge.redeemed).toEqual([]);
    expect(await ask({ command: 'channel-close1', ch: payer.ch })).toMatchObject({
      state: 'closing',
      unredeemed: '0',
    });
    expect(world.edge.redeemed).toMatchObject([{ cum: '77' }]);
  });

  test('proposes a close on all it holds, redeemed before, and takes no task from then on', async () => {
    const payer = await world.ready();
    await world.edge.acked('ledger', await payer.voucher({ lane: '0', cum: '77', memo: '' }));
    await ask({ command: 'channel-close', ch: payer.ch });
    const sent = await world.edge.message('channel.accept', (body) => body.kind === 'close');
    expect(JSON.stringify(sent.body)).toContain(`"cum_${payer.dir}":"77"`);
    expect(world.edge.redeemed).toMatchObject([{ cum: '77' }]);
    const { task } = await payer.offer();
    const refused = await world.edge.message('task.reject', (body) => body.task === task);
    expect(refused.body.code).toBe('channel-not-active');
  });

  test('does not propose to close while work is unpaid', async () => {
    const payer = await world.ready();
    const { task } = await payer.offer();
    await payer.result(task);
    const close = { command: 'channel-close', ch: payer.ch } as const;
    expect(await world.node?.execute(close)).toMatchObject({ code: 'cond-open' });
  });
});
