import { type Redemption, sealEnvelope } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ledgerMessages } from './messages.ts';
import {
  balance,
  channelOf,
  closeBalanced,
  createWorld,
  fund,
  hash,
  idem,
  must,
  nonce,
  openActive,
  openBody,
  redeem,
  START,
  sign,
  UNIT,
  voucher,
  type World,
} from './testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
});
afterEach(() => closeBalanced(world));
const redeemOne = (...redemptions: Redemption[]) => redeem(world, redemptions);

describe('money from outside', () => {
  it('comes from the faucet once for a key, and not at all where there is none', async () => {
    const { did } = world.signers.alice;
    const claim = idem(did);
    must(await world.ledger.faucet(did, 5n, claim));
    expect(await world.ledger.faucet(did, 5n, claim)).toMatchObject({ ok: false });
    expect(await balance(world, 'alice')).toBe(5n);
    expect(await world.ledger.find(claim)).toMatchObject({
      body: `{"did":"${did}","available":"5","escrow":"0","withdrawing":"0"}`,
    });
    const { createLedger } = await import('./store.ts');
    const open = createLedger({ ...world.ports, faucet: false });
    expect(await open.faucet(did, 5n, idem(did))).toMatchObject({ code: 'faucet-off' });
  });

  it('is taken up again where a crash left it pending, and paid once', async () => {
    const { did } = world.signers.alice;
    const claim = idem(did);
    await world.database.batch([
      {
        sql: `INSERT INTO account(id, owner, kind) VALUES ('avl:' || ?1, ?1, 'available')`,
        args: [did],
      },
      { sql: `INSERT INTO account(id, owner, kind) VALUES ('ral:faucet', 'x', 'rail')`, args: [] },
      {
        sql: `INSERT INTO rail_event VALUES ('faucet', ?1, 'deposit', ?2, 7, 'pending')`,
        args: [`${did}:${claim.key}`, `avl:${did}`],
      },
    ]);
    must(await world.ledger.faucet(did, 7n, claim));
    expect(await balance(world, 'alice')).toBe(7n);
  });

  it('is credited by operators alone, once for each reference, in time', async () => {
    const body = {
      account: world.signers.alice.did,
      amount: '9',
      ext_ref: 'bank-1',
      not_after: String(START + 1),
    };
    const by = (name: 'operator' | 'bob', more = {}) =>
      sealEnvelope(world.network, 'rail.credit', { ...body, ...more }, world.signers[name]);
    expect(await world.ledger.credit(await by('bob'), null)).toMatchObject({
      code: 'operator-unknown',
    });
    must(await world.ledger.credit(await by('operator'), null));
    expect(await world.ledger.credit(await by('operator'), null)).toMatchObject({
      code: 'reference-used',
    });
    expect(await world.ledger.credit(await by('operator', { amount: '8' }), null)).toMatchObject({
      code: 'reference-used',
    });
    await world.setTime(START + 2);
    const late = await by('operator', { ext_ref: 'bank-2' });
    expect(await world.ledger.credit(late, null)).toMatchObject({ code: 'credit-expired' });
    expect(await balance(world, 'alice')).toBe(9n);
  });
});

describe('the published payments', () => {
  it('50, 75, 100, 125, 150 leave 500 and 500.001 and conserve every micro-unit', async () => {
    await fund(world, 'alice', 1_000n * UNIT);
    await fund(world, 'bob', 1_000n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 1_000n * UNIT });
    let cum = 0n;
    for (const payment of [50n, 75n, 100n, 125n, 150n]) {
      cum += payment * UNIT;
      must(await world.ledger.depositVoucher(await voucher(world, on, { cum })));
    }
    const { redeemed } = await redeemOne({ voucher: await voucher(world, on, { cum }) });
    expect(redeemed).toMatchObject([{ moved: String(500n * UNIT) }]);
    const totals = on.dir === 'a' ? { cum_a: cum, cum_b: 0n } : { cum_a: 0n, cum_b: cum };
    const body = {
      ch: on.ch,
      cum_a: String(totals.cum_a),
      cum_b: String(totals.cum_b),
      not_after: String(START + 1_000),
    };
    const close = await sign(world, 'paych.close', body, 'alice', 'bob');
    const closed = await channelOf(world.ledger.closeChannel(close, null));
    expect(closed).toMatchObject({ state: 'closed', escrow_a: '0', escrow_b: '0', mailbox: [] });
    expect(await balance(world, 'alice')).toBe(500n * UNIT);
    expect(await balance(world, 'bob')).toBe(500n * UNIT + 1_000n);
  });
});

describe('opening', () => {
  it('holds each fund when its party signs, and tells the other', async () => {
    await fund(world, 'alice', 100n);
    await fund(world, 'bob', 50n);
    const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 60n, other: 20n });
    const first = await sign(world, 'paych.open', body, 'alice');
    const opening = await channelOf(world.ledger.openChannel(first, null));
    expect(opening).toMatchObject({ state: 'opening', version: 0, open: first });
    expect(await balance(world, 'alice')).toBe(40n);
    expect(await balance(world, 'bob')).toBe(50n);
    expect(world.woken).toContain(world.signers.bob.did);
    const messages = ledgerMessages(world.ledger);
    const envelope = await sign(world, 'paych.open', body, 'bob');
    must(await messages['channel.accept'](world.signers.bob.did, { kind: 'open', envelope }));
    must(await messages['channel.accept'](world.signers.bob.did, { kind: 'open', envelope }));
    expect(await balance(world, 'bob')).toBe(30n);
    const { json } = must(await world.ledger.channel(opening.ch));
    expect(JSON.parse(json)).toMatchObject({ state: 'active', version: 1 });
    const outbox = await world.database.read({
      sql: 'SELECT type FROM outbox WHERE did = ?1 ORDER BY seq',
      args: [world.signers.bob.did],
    });
    expect(outbox.map(({ type }) => type)).toEqual(['channel.proposal', 'channel.changed']);
  });

  it('opens at once with both signatures in one envelope', async () => {
    await fund(world, 'alice', 100n);
    const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 60n });
    const open = await sign(world, 'paych.open', body, 'alice', 'bob');
    expect(await channelOf(world.ledger.openChannel(open, null))).toMatchObject({
      state: 'active',
    });
  });

  it('refuses what is not covered, not in time, not of this asset, or not both parties', async () => {
    const { ledger } = world;
    const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 60n });
    const open = await sign(world, 'paych.open', body, 'alice');
    expect(await ledger.openChannel(open, null)).toMatchObject({ code: 'funds-insufficient' });
    await fund(world, 'alice', 100n);
    const other = await sign(world, 'paych.open', { ...body, asset: 'gold' }, 'alice');
    expect(await ledger.openChannel(other, null)).toMatchObject({ code: 'asset-unknown' });
    const stranger = await sign(world, 'paych.open', body, 'carol');
    expect(await ledger.openChannel(stranger, null)).toMatchObject({ code: 'signer-unexpected' });
    const foreign = await createOn(`zs-${'a'.repeat(16)}`, body);
    expect(await ledger.openChannel(foreign, null)).toMatchObject({ code: 'signature-invalid' });
    const wide = await sign(world, 'paych.open', { ...body, window_ms: '59999' }, 'alice');
    expect(await ledger.openChannel(wide, null)).toMatchObject({ code: 'terms-invalid' });
    must(await ledger.openChannel(open, null));
    expect(await ledger.openChannel(open, null)).toMatchObject({ code: 'channel-exists' });
    expect(await ledger.acceptChannel(open, null)).toMatchObject({ code: 'party-wrong' });
    const accept = await sign(world, 'paych.open', body, 'bob');
    const wrong = { ch: hash('other') };
    expect(await ledger.acceptChannel(accept, null, wrong)).toMatchObject({
      code: 'channel-wrong',
    });
    await world.setTime(START + 60_000);
    expect(await ledger.acceptChannel(accept, null)).toMatchObject({ code: 'open-by-passed' });
    const late = await sign(world, 'paych.open', { ...body, nonce: nonce(9) }, 'alice');
    expect(await ledger.openChannel(late, null)).toMatchObject({ code: 'open-by-passed' });
    expect(await balance(world, 'alice')).toBe(40n);
  });

  const createOn = async (network: string, body: object) =>
    sealEnvelope(network, 'paych.open', body, world.signers.alice);

  it('gives the opener its fund back, and only to the opener before open_by', async () => {
    await fund(world, 'alice', 100n);
    const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 60n });
    const { ch } = await channelOf(
      world.ledger.openChannel(await sign(world, 'paych.open', body, 'alice'), null),
    );
    const cancel = (name: 'alice' | 'bob') =>
      sign(world, 'paych.cancel', { ch, nonce: nonce(1) }, name);
    expect(await world.ledger.cancelChannel(await cancel('bob'), null)).toMatchObject({
      code: 'open-by-pending',
    });
    const closed = await channelOf(world.ledger.cancelChannel(await cancel('alice'), null));
    expect(closed.state).toBe('closed');
    expect(await balance(world, 'alice')).toBe(100n);
    expect(await world.ledger.cancelChannel(await cancel('alice'), null)).toMatchObject({
      code: 'channel-closed',
    });
  });
});

describe('the mailbox', () => {
  it('keeps the newest voucher of each lane, whatever order they come in', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const deposit = async (lane: number, cum: bigint) =>
      JSON.parse(must(await world.ledger.depositVoucher(await voucher(world, on, { lane, cum }))));
    expect(await deposit(0, 50n)).toMatchObject({ held: '50' });
    expect(await deposit(0, 20n)).toMatchObject({ held: '50' });
    expect(await deposit(3, 40n)).toMatchObject({ held: '40' });
    const { json } = must(await world.ledger.channel(on.ch));
    expect(JSON.parse(json).mailbox).toEqual([
      { dir: on.dir, lane: 0, cum: '50' },
      { dir: on.dir, lane: 3, cum: '40' },
    ]);
    const over = await voucher(world, on, { lane: 4, cum: 101n });
    expect(await world.ledger.depositVoucher(over)).toMatchObject({ code: 'voucher-over-fund' });
    const delivered = await world.database.read({
      sql: `SELECT body FROM outbox WHERE did = ?1 AND type = 'voucher.deliver'`,
      args: [world.signers.bob.did],
    });
    expect(delivered).toHaveLength(2);
  });

  it('takes no voucher of a stranger, of another direction or of no channel', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const deposit = async (of: Parameters<typeof voucher>[1]) =>
      world.ledger.depositVoucher(await voucher(world, of, { cum: 5n }));
    expect(await deposit({ ...on, payer: 'carol' })).toMatchObject({ code: 'party-wrong' });
    const other = on.dir === 'a' ? 'b' : 'a';
    expect(await deposit({ ...on, dir: other })).toMatchObject({ code: 'party-wrong' });
    expect(await deposit({ ...on, ch: hash('none') })).toMatchObject({ code: 'channel-unknown' });
  });

  it('does not stop a payment when the receiver never empties its outbox', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    await world.database.batch([
      {
        sql: 'UPDATE outbox_head SET seq = acked + 10000 WHERE did = ?1',
        args: [world.signers.bob.did],
      },
    ]);
    must(await world.ledger.depositVoucher(await voucher(world, on, { cum: 5n })));
    const [row] = await world.database.read({ sql: 'SELECT cum FROM mailbox', args: [] });
    expect(row?.cum).toBe(5n);
  });
});

describe('closing', () => {
  const close = (on: { ch: string }, cum: [bigint, bigint], more = {}) => ({
    ch: on.ch,
    cum_a: String(cum[0]),
    cum_b: String(cum[1]),
    not_after: String(START + 1_000),
    ...more,
  });

  it('asks the other party for its signature and closes when it comes by itself', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const body = close(on, on.dir === 'a' ? [40n, 0n] : [0n, 40n]);
    const proposal = await sign(world, 'paych.close', body, 'alice');
    const asked = await channelOf(world.ledger.closeChannel(proposal, null));
    expect(asked).toMatchObject({ state: 'active', close: proposal });
    const again = await channelOf(world.ledger.closeChannel(proposal, null));
    expect(again.state).toBe('active');
    const envelope = await sign(world, 'paych.close', body, 'bob');
    const { did } = world.signers.bob;
    const accept = ledgerMessages(world.ledger)['channel.accept'];
    must(await accept(did, { kind: 'close', envelope }));
    must(await accept(did, { kind: 'close', envelope }));
    expect(await balance(world, 'alice')).toBe(60n);
    expect(await balance(world, 'bob')).toBe(40n);
  });

  it('refuses totals under what was paid or over the fund, lapsed or of strangers', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    await redeemOne({ voucher: await voucher(world, on, { cum: 30n }) });
    const attempt = async (
      cum: bigint,
      more = {},
      names: ('alice' | 'bob' | 'carol')[] = ['alice', 'bob'],
    ) => {
      const body = close(on, on.dir === 'a' ? [cum, 0n] : [0n, cum], more);
      const signed = await sign(world, 'paych.close', body, ...names);
      const result = await world.ledger.closeChannel(signed, null);
      return result.ok ? 'ok' : result.code;
    };
    expect(await attempt(29n)).toBe('close-total-invalid');
    expect(await attempt(101n)).toBe('close-total-invalid');
    expect(await attempt(30n, { not_after: String(START - 1) })).toBe('close-not-after-passed');
    expect(await attempt(30n, {}, ['alice', 'carol'])).toBe('party-wrong');
    expect(await attempt(30n, { ch: hash('x') })).toBe('channel-unknown');
    expect(await attempt(30n)).toBe('ok');
    expect(await attempt(30n)).toBe('channel-closed');
  });

  it('leaves a window in which the payee redeems, and returns the rest after it', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const body = { ch: on.ch, nonce: nonce(1) };
    const stranger = await sign(world, 'paych.close1', body, 'carol');
    expect(await world.ledger.close1Channel(stranger, null)).toMatchObject({ code: 'party-wrong' });
    const closing = await channelOf(
      world.ledger.close1Channel(await sign(world, 'paych.close1', body, 'alice'), null),
    );
    expect(closing).toMatchObject({ state: 'closing', close_at: START + 600_000 });
    await world.setTime(START + 599_999);
    expect(await world.ledger.finalizeChannel(on.ch, null)).toMatchObject({
      code: 'close-window-pending',
    });
    await redeemOne({ voucher: await voucher(world, on, { cum: 30n }) });
    await world.setTime(START + 600_000);
    const late = await redeemOne({ voucher: await voucher(world, on, { cum: 40n }) });
    expect(late.refused).toMatchObject([{ code: 'redeem-window-passed' }]);
    const deposit = await world.ledger.depositVoucher(await voucher(world, on, { cum: 40n }));
    expect(deposit).toMatchObject({ code: 'redeem-window-passed' });
    must(await world.ledger.finalizeChannel(on.ch, null));
    expect(await world.ledger.finalizeChannel(on.ch, null)).toMatchObject({
      code: 'channel-closed',
    });
    const closed = await redeemOne(
      { voucher: await voucher(world, on, { cum: 30n }) },
      { voucher: await voucher(world, on, { cum: 40n }) },
    );
    expect(closed.redeemed).toMatchObject([{ moved: '0' }]);
    expect(closed.refused).toMatchObject([{ code: 'channel-closed' }]);
    expect(await balance(world, 'alice')).toBe(70n);
    expect(await balance(world, 'bob')).toBe(30n);
  });
});

describe('funding', () => {
  it('tops a channel up once for an order', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 40n });
    const body = { ch: on.ch, dir: on.dir, amount: '25', nonce: nonce(1) };
    const order = await sign(world, 'paych.topup', body, 'alice');
    const raised = await channelOf(world.ledger.topupChannel(order, null));
    expect(raised[on.dir === 'a' ? 'fund_a' : 'fund_b']).toBe('65');
    expect(await world.ledger.topupChannel(order, null)).toMatchObject({ code: 'nonce-used' });
    const more = { ...body, nonce: nonce(2), amount: '36' };
    const attempt = async (name: 'alice' | 'bob', order: Record<string, string>) =>
      world.ledger.topupChannel(await sign(world, 'paych.topup', order, name), null);
    expect(await attempt('alice', more)).toMatchObject({ code: 'funds-insufficient' });
    expect(await attempt('bob', more)).toMatchObject({ code: 'party-wrong' });
  });

  it('rolls income of one channel into the own side of another', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 40n });
    const to = await openActive(world, { payer: 'bob', payee: 'carol', amount: 0n, n: 2 });
    await redeemOne({ voucher: await voucher(world, on, { cum: 30n }) });
    const body = {
      ch: on.ch,
      dir: on.dir,
      amount: '20',
      to_ch: to.ch,
      to_dir: to.dir,
      nonce: nonce(1),
    };
    const order = await sign(world, 'paych.roll', body, 'bob');
    const rolled = await channelOf(world.ledger.rollChannel(order, null));
    expect(rolled[to.dir === 'a' ? 'escrow_a' : 'escrow_b']).toBe('20');
    expect(await world.ledger.rollChannel(order, null)).toMatchObject({ code: 'nonce-used' });
    expect(await balance(world, 'bob')).toBe(10n);
  });
});
