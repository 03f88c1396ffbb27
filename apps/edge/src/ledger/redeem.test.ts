import type { Redemption } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  balance,
  closeBalanced,
  createWorld,
  fund,
  hash,
  idem,
  must,
  nonce,
  openActive,
  paying,
  receipt,
  redeem,
  sign,
  voucher,
  type World,
} from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => closeBalanced(world));
const redeemOne = (...redemptions: Redemption[]) => redeem(world, redemptions);

describe('redeeming', () => {
  it('moves the difference once, for the payee, whoever hands it in', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const signed = await voucher(world, on, { cum: 30n });
    expect((await redeemOne({ voucher: signed })).redeemed).toMatchObject([{ moved: '30' }]);
    expect((await redeemOne({ voucher: signed })).redeemed).toMatchObject([{ moved: '0' }]);
    const lower = await voucher(world, on, { cum: 10n });
    expect((await redeemOne({ voucher: lower })).redeemed).toMatchObject([{ moved: '0' }]);
    expect(await balance(world, 'bob')).toBe(30n);
  });

  it('names the rows it refuses and moves the others', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const rows = [
      await voucher(world, on, { lane: 1, cum: 60n }),
      await voucher(world, on, { lane: 2, cum: 41n }),
      await voucher(world, { ...on, payer: 'carol' }, { lane: 3, cum: 5n }),
      await voucher(world, on, { lane: 4, cum: 40n }),
      { ...(await voucher(world, on, { lane: 5, cum: 1n })), type: 'paych.cond' },
    ];
    const done = await redeemOne(...rows.map((each) => ({ voucher: each })));
    // The escrow goes as far as it goes, row after row.
    expect(done.redeemed.map(({ lane, moved }) => [lane, moved])).toEqual([
      [1, '60'],
      [2, '40'],
    ]);
    expect(done.refused.map(({ index, code }) => [index, code])).toEqual([
      [2, 'party-wrong'],
      [3, 'escrow-insufficient'],
      [4, 'type-wrong'],
    ]);
    expect(await balance(world, 'bob')).toBe(100n);
  });

  it('counts the receipts that lead to the memo, each once', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const made = await Promise.all(
      [1, 2, 3].map(async (n) => ({
        price: 10n,
        ...(await receipt(world, on, { task: `t${n}`, lane: 1, price: 10n })),
      })),
    );
    world.durations.set(hash('t1'), 77);
    const first = await paying(world, on, { lane: 1, receipts: made.slice(0, 2) });
    expect((await redeemOne(first.redemption)).redeemed).toMatchObject([{ counted: 2 }]);
    const next = await paying(world, on, { lane: 1, from: first, receipts: made.slice(2) });
    const all = { voucher: next.redemption.voucher, receipts: made.map((each) => each.envelope) };
    expect((await redeemOne(all)).refused).toMatchObject([{ code: 'memo-mismatch' }]);
    expect((await redeemOne(next.redemption)).redeemed).toMatchObject([{ counted: 1 }]);
    const rows = await world.database.read({
      sql: 'SELECT duration_ms, counted FROM receipt ORDER BY duration_ms',
      args: [],
    });
    expect(rows.map((row) => row.duration_ms)).toEqual([20n, 20n, 77n]);
    const [evidence] = await world.database.read({ sql: 'SELECT * FROM evidence', args: [] });
    expect(evidence).toMatchObject({ n_ok: 3n, cost: 30n, duration_ms: 117n });
    expect(must(await world.ledger.receipt(made[0]?.id ?? ''))).toMatchObject({
      counted: 'redeem',
      state: 'paid',
    });
  });

  it('refuses receipts of another lane, another price or another executor, and moves nothing', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const pay = async (about: { lane: number; price: bigint; more?: object }) => {
      const made = await receipt(world, on, { task: 't', ...about });
      const { redemption } = await paying(world, on, {
        lane: 1,
        receipts: [{ ...made, price: 10n }],
      });
      return (await redeemOne(redemption)).refused[0]?.code;
    };
    expect(await pay({ lane: 2, price: 10n })).toBe('receipt-invalid');
    expect(await pay({ lane: 1, price: 9n })).toBe('memo-mismatch');
    const { did } = world.signers.carol;
    expect(await pay({ lane: 1, price: 10n, more: { executor: did } })).toBe('signer-missing');
    expect(await pay({ lane: 1, price: 10n, more: { ch: hash('x') } })).toBe('receipt-invalid');
    expect(await balance(world, 'bob')).toBe(0n);
  });

  it('has one effect for fifty concurrent replays, and for as many under one key', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const signed = await voucher(world, on, { cum: 30n });
    const replays = await Promise.all(
      Array.from({ length: 50 }, () => world.ledger.redeem([{ voucher: signed }], null)),
    );
    const moved = replays.map((each) => must(each).redeemed[0]?.moved);
    expect(moved.filter((each) => each === '30')).toHaveLength(1);
    expect(moved.filter((each) => each === '0')).toHaveLength(49);
    const claim = idem(world.signers.bob.did);
    const more = await voucher(world, on, { cum: 50n });
    const keyed = await Promise.all(
      Array.from({ length: 50 }, () => world.ledger.redeem([{ voucher: more }], claim)),
    );
    expect(keyed.filter(({ ok }) => ok)).toHaveLength(1);
    expect((await world.ledger.find(claim))?.body).toContain('"moved":"20"');
    expect(await balance(world, 'bob')).toBe(50n);
  });

  it('that moved nothing leaves its key free for when the reason is gone', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 10n });
    const claim = idem(world.signers.bob.did);
    const all = await voucher(world, on, { lane: 1, cum: 10n });
    must(await world.ledger.redeem([{ voucher: all }], null));
    const more = await voucher(world, on, { cum: 5n });
    const early = must(await world.ledger.redeem([{ voucher: more }], claim));
    expect(early.refused).toMatchObject([{ code: 'escrow-insufficient' }]);
    const body = { ch: on.ch, dir: on.dir, amount: '5', nonce: nonce(1) };
    must(await world.ledger.topupChannel(await sign(world, 'paych.topup', body, 'alice'), null));
    const late = must(await world.ledger.redeem([{ voucher: more }], claim));
    expect(late.redeemed).toMatchObject([{ moved: '5' }]);
  });

  it('gives the same ledger for any order and repetition of the same vouchers', async () => {
    const outcomes = new Set<string>();
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 1, 3, 0, 2, 3, 0],
    ]) {
      const other = await createWorld();
      await fund(other, 'alice', 100n);
      const on = await openActive(other, { payer: 'alice', payee: 'bob', amount: 100n });
      const all = await Promise.all([
        voucher(other, on, { lane: 1, cum: 10n }),
        voucher(other, on, { lane: 1, cum: 25n }),
        voucher(other, on, { lane: 2, cum: 5n }),
        voucher(other, on, { lane: 0, cum: 70n }),
      ]);
      for (const index of order) {
        const each = all[index];
        if (each !== undefined) must(await other.ledger.redeem([{ voucher: each }], null));
      }
      const { json } = must(await other.ledger.channel(on.ch));
      outcomes.add(JSON.stringify([JSON.parse(json).lanes, String(await balance(other, 'bob'))]));
      await other.database.close();
    }
    expect(outcomes.size).toBe(1);
  });
});
