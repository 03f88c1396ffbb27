import { auditJournal, createVerifier, type Seal, type Transfer } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  balance,
  channelOf,
  cond,
  createWorld,
  DAY,
  difference,
  fund,
  idem,
  must,
  nonce,
  openActive,
  openBody,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from '../ledger/testing/world.ts';
import { takeLease } from './lease.ts';
import { type Swept, sweep } from './sweep.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
  await fund(world, 'alice', 1_000n);
});
afterEach(async () => {
  expect(await difference(world)).toBe('0');
  await world.database.close();
});
const run = (holder = 'worker-1'): Promise<Swept> =>
  sweep({ ledger: world.ports, failOverdue: async () => 0, holder });

describe('the sweep', () => {
  it('takes a channel through its whole life by the clock alone', async () => {
    const { body } = openBody(world, { payer: 'alice', payee: 'carol', amount: 60n, n: 9 });
    must(await world.ledger.openChannel(await sign(world, 'paych.open', body, 'alice'), null));
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    await world.setTime(START + 60_000);
    expect(await run()).toMatchObject({ ran: true, cancelled: 1, expired: 0 });
    expect(await balance(world, 'alice')).toBe(900n);
    await world.setTime(START + 30 * DAY);
    expect(await run()).toMatchObject({ expired: 1, finalized: 0 });
    await world.setTime(START + 30 * DAY + 600_000);
    expect(await run()).toMatchObject({ finalized: 1 });
    expect(JSON.parse(must(await world.ledger.channel(on.ch)).json).state).toBe('closed');
    expect(await balance(world, 'alice')).toBe(1_000n);
    expect(await run()).toMatchObject({ cancelled: 0, expired: 0, finalized: 0, sealed: 0 });
  });

  it('redeems a voucher after a quarter of an hour, and all of a closing channel at once', async () => {
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    must(await world.ledger.depositVoucher(await voucher(world, on, { lane: 1, cum: 10n })));
    await world.setTime(START + 899_999);
    expect(await run()).toMatchObject({ settled: 0 });
    await world.setTime(START + 900_000);
    must(await world.ledger.depositVoucher(await voucher(world, on, { lane: 2, cum: 20n })));
    expect(await run()).toMatchObject({ settled: 1 });
    expect(await balance(world, 'bob')).toBe(10n);
    const close1 = await sign(world, 'paych.close1', { ch: on.ch, nonce: nonce(1) }, 'alice');
    await channelOf(world.ledger.close1Channel(close1, null));
    expect(await run()).toMatchObject({ settled: 1 });
    expect(await balance(world, 'bob')).toBe(30n);
    const lanes = must(await world.ledger.lanes(undefined, 10));
    expect(lanes?.lanes.map(({ cum, sig }) => [cum, sig.length])).toEqual([
      ['10', 86],
      ['20', 86],
    ]);
  });

  it('halves a batch until it has found the row that the schema refuses', async () => {
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    for (const lane of [10, 11, 12, 13, 14]) {
      must(await world.ledger.depositVoucher(await voucher(world, on, { lane, cum: 5n })));
    }
    const sql = `CREATE TRIGGER odd BEFORE UPDATE ON lane WHEN NEW.lane = 12
      BEGIN SELECT RAISE(ABORT, 'odd'); END`;
    await world.database.batch([{ sql, args: [] }]);
    const close1 = await sign(world, 'paych.close1', { ch: on.ch, nonce: nonce(1) }, 'alice');
    must(await world.ledger.close1Channel(close1, null));
    expect(await run()).toMatchObject({ settled: 4, refused: 1 });
    expect(await balance(world, 'bob')).toBe(20n);
    await world.database.batch([{ sql: 'DROP TRIGGER odd', args: [] }]);
    expect(await run()).toMatchObject({ settled: 1, refused: 0 });
  });

  it('redeems around the cover of a live claim, and the rest once the claim is void', async () => {
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    for (const lane of [10, 11]) {
      must(await world.ledger.depositVoucher(await voucher(world, on, { lane, cum: 50n })));
    }
    const signed = await cond(world, on, { task: 't', lane: 1, cap: 60n });
    const made = await receipt(world, on, { task: 't', lane: 1, price: 60n });
    const filing = { cond: signed.envelope, receipt: made.envelope };
    must(await world.ledger.fileClaim(filing, world.signers.bob.did, null));
    const close1 = await sign(world, 'paych.close1', { ch: on.ch, nonce: nonce(1) }, 'alice');
    must(await world.ledger.close1Channel(close1, null));
    expect(await run()).toMatchObject({ settled: 1, refused: 0 });
    expect(await balance(world, 'bob')).toBe(40n);
    expect(await run()).toMatchObject({ settled: 0, refused: 0 });
    const second = await receipt(world, on, { task: 't', lane: 1, price: 59n });
    must(await world.ledger.showEquivocation(signed.id, second.envelope));
    expect(await run()).toMatchObject({ settled: 2, refused: 0 });
    expect(await balance(world, 'bob')).toBe(100n);
  });

  it('is done by one worker at a time, and taken over when that worker is gone', async () => {
    expect(await takeLease(world.database, 'sweep', 'dead')).toBe(true);
    expect(await run('worker-2')).toMatchObject({ ran: false });
    await world.setTime(START + 30_000);
    expect(await run('worker-2')).toMatchObject({ ran: true });
    expect(await run('worker-3')).toMatchObject({ ran: true });
  });

  it('forgets answers after a day and unfetched messages after a week', async () => {
    await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const claim = idem(world.signers.alice.did);
    must(await world.ledger.faucet(world.signers.alice.did, 5n, claim));
    await world.setTime(START + DAY - 1);
    await run();
    expect(await world.ledger.find(claim)).not.toBeNull();
    await world.setTime(START + DAY);
    await run();
    expect(await world.ledger.find(claim)).toBeNull();
    await world.setTime(START + 7 * DAY + 1);
    await run();
    const left = await world.database.read({ sql: 'SELECT did FROM outbox', args: [] });
    expect(left).toEqual([]);
    const heads = await world.database.read({
      sql: 'SELECT did FROM outbox_head WHERE acked < seq',
      args: [],
    });
    expect(heads).toEqual([]);
  });
});

describe('the seals of a journal', () => {
  const journal = async (): Promise<{ transfers: Transfer[]; seals: Seal[] }> => ({
    transfers: must(await world.ledger.transfers(0, 1_000)).transfers,
    seals: must(await world.ledger.seals(0, 1_000)).seals,
  });
  const audit = async (of: { transfers: Transfer[]; seals: Seal[] }) =>
    auditJournal(
      { network: world.network, ledger: world.signers.ledger.did, ...of },
      createVerifier(),
    );

  it('join end to end and let an audit find any edit', async () => {
    await run();
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    must(await world.ledger.redeem([{ voucher: await voucher(world, on, { cum: 30n }) }], null));
    await run();
    must(await world.ledger.faucet(world.signers.bob.did, 5n, idem()));
    const { transfers, seals } = await journal();
    const clean = await audit({ transfers, seals });
    expect(clean).toMatchObject({ transfers: 4, seals: 2, unsealed: 1, findings: [] });
    expect(clean.balances.get(`avl:${world.signers.bob.did}`)).toBe(35n);
    const codes = async (of: { transfers?: Transfer[]; seals?: Seal[] }) =>
      (await audit({ transfers, seals, ...of })).findings.map(({ code }) => code);
    const edited = transfers.map((row) => (row.seq === 2 ? { ...row, amount: '101' } : row));
    expect(await codes({ transfers: edited })).toEqual(['head-differs']);
    expect(await codes({ transfers: transfers.filter(({ seq }) => seq !== 2) })).toContain('gap');
    const stolen = transfers.map((row) => (row.seq === 4 ? { ...row, debit: 'avl:nobody' } : row));
    expect(await codes({ transfers: stolen })).toContain('overdrawn');
    expect(await codes({ transfers: transfers.slice(0, 2) })).toContain('seal-gap');
    expect(await codes({ seals: seals.slice(1) })).toEqual(['seal-gap']);
    const forged = seals.map((seal) => ({ ...seal, sig: seals[0]?.sig ?? '' }));
    expect(await codes({ seals: forged })).toEqual(['seal-signature']);
  });
});
