/**
 * Attacks of money.md 8 that stand in no other room's tests. Elsewhere: replays, keys and signatures
 * (bad-input), cond and voucher together, second receipts, wrong output (claims), over-signing
 * (short-escrow), stalled openings and sleeping payees (sweep), rails (rails), a rewriting operator
 * (test/integration/audit), many processes (test/chaos).
 */
import { cosign, createVerifier } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Database } from '../ports.ts';
import { createLedger, type Ledger } from './store.ts';
import {
  balance,
  channelOf,
  closeBalanced,
  cond,
  createWorld,
  fund,
  hash,
  must,
  nonce,
  openActive,
  openBody,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld({ arbiters: ['judge1'] });
  await fund(world, 'alice', 100n);
});
afterEach(() => closeBalanced(world));

describe('a payer', () => {
  it('that puts the same money into two channels at once gets one', async () => {
    const opens = await Promise.all(
      ([1, 2, 3] as const).map(async (n) => {
        const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 60n, n });
        return sign(world, 'paych.open', body, 'alice');
      }),
    );
    const results = await Promise.all(opens.map((open) => world.ledger.openChannel(open, null)));
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    for (const each of results) if (!each.ok) expect(each.code).toBe('funds-insufficient');
    expect(await balance(world, 'alice')).toBe(40n);
  });

  it('that withdraws and opens with the same money at once gets one', async () => {
    const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 60n });
    const order = {
      ...{ account: world.signers.alice.did, rail: 'operator', amount: '60', destination: 'x' },
      ...{ nonce: nonce(1), not_after: String(START + 1) },
    };
    const open = await sign(world, 'paych.open', body, 'alice');
    const withdraw = await sign(world, 'rail.withdraw', order, 'alice');
    const results = await Promise.all([
      world.ledger.openChannel(open, null),
      world.ledger.withdraw(withdraw, null),
    ]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(await balance(world, 'alice')).toBe(40n);
  });

  it('that signs two vouchers of one total harms nobody but itself', async () => {
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const first = await voucher(world, on, { cum: 30n, memo: hash('one') });
    const second = await voucher(world, on, { cum: 30n, memo: hash('two') });
    const higher = await voucher(world, on, { cum: 31n, memo: hash('three') });
    for (const each of [first, second, higher, first, second]) {
      must(await world.ledger.redeem([{ voucher: each }], null));
    }
    expect(await balance(world, 'bob')).toBe(31n);
  });

  it('that disputes a micro-unit stops its one lane and no other', async () => {
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 90n });
    const made = await receipt(world, on, { task: 't', lane: 1, price: 1n });
    const signed = await cond(world, on, { task: 't', lane: 1, cap: 1n });
    const filing = { cond: signed.envelope, receipt: made.envelope };
    must(await world.ledger.fileClaim(filing, world.signers.bob.did, null));
    const objection = { receipt: made.id, reason: 'output-differs' };
    const { ledger, signers } = world;
    const envelope = await sign(world, 'task.objection', objection, 'alice');
    // Checked border: the body was made above, the ledger reads it again.
    const raised = { envelope, creator: signers.alice.did } as unknown;
    must(await ledger.recordObjection(raised as Parameters<Ledger['recordObjection']>[0]));
    const { claims } = await channelOf(Promise.resolve(textOf(await ledger.channel(on.ch))));
    expect(claims).toMatchObject([{ state: 'disputed' }]);
    must(await ledger.redeem([{ voucher: await voucher(world, on, { lane: 2, cum: 89n }) }], null));
    expect(await balance(world, 'bob')).toBe(89n);
  });
});

describe('a stranger', () => {
  it('that sends what nobody signed costs the database nothing', async () => {
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 90n });
    const asked: string[] = [];
    const ledger = createLedger({ ...world.ports, database: watched(world.database, asked) });
    const forged = await voucher(world, on, { cum: 5n });
    const bad = { ...forged, body: { ...forged.body, cum: '6' } };
    const close1 = await sign(world, 'paych.close1', { ch: on.ch, nonce: nonce(3) }, 'alice');
    const other = { ...close1, body: { ...close1.body, nonce: nonce(4) } };
    const credit = { account: on.body.a, amount: '1', ext_ref: 'x', not_after: String(START + 9) };
    const results = [
      await ledger.depositVoucher(bad),
      await ledger.close1Channel(other, null),
      await ledger.withdraw({ ...close1, type: 'rail.withdraw' }, null),
      await ledger.debit({ ...close1, type: 'rail.debit' }, null),
      await ledger.credit({ ...close1, type: 'rail.credit' }, null),
      await ledger.credit(await sign(world, 'rail.credit', credit, 'bob'), null),
    ];
    expect(results.map(({ ok }) => ok)).toEqual([false, false, false, false, false, false]);
    expect(asked).toEqual([]);
  });

  it('cannot open a channel here that both signed for another ledger', async () => {
    const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 60n });
    let open = { type: 'paych.open', body: { ...body }, sigs: [] as { by: string; sig: string }[] };
    for (const name of ['alice', 'bob'] as const) {
      open = await cosign('zs-aaaaaaaaaaaaaaaa', open, world.signers[name]);
    }
    expect(await world.ledger.openChannel(open, null)).toMatchObject({ code: 'signature-invalid' });
    const elsewhere = createLedger({
      ...world.ports,
      network: 'zs-aaaaaaaaaaaaaaaa',
      verifier: createVerifier(),
    });
    expect(await elsewhere.openChannel(open, null)).toMatchObject({ ok: true });
  });
});

function textOf(read: Awaited<ReturnType<Ledger['channel']>>) {
  return read.ok ? { ok: true as const, value: read.value.json } : read;
}

/** The same database, with a note of everything that is asked of it. */
function watched(database: Database, asked: string[]): Database {
  return {
    ...database,
    batch: (statements) => {
      asked.push('batch');
      return database.batch(statements);
    },
    read: (statement) => {
      asked.push(statement.sql);
      return database.read(statement);
    },
    readMany: (statements) => {
      asked.push('readMany');
      return database.readMany(statements);
    },
  };
}
