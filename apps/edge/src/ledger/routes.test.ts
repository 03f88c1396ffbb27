import {
  channelAnswerSchema,
  redeemAnswerSchema,
  transferListAnswerSchema,
} from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRouteWorld, type RouteWorld } from './testing/routes.ts';
import {
  balance,
  cond,
  createWorld,
  fund,
  hash,
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
let routes: RouteWorld;
const post: RouteWorld['post'] = (...sent) => routes.post(...sent);
const get: RouteWorld['get'] = (...asked) => routes.get(...asked);
beforeEach(async () => {
  world = await createWorld();
  routes = createRouteWorld(world);
});
afterEach(() => world.database.close());

describe('an idempotency key', () => {
  it('is demanded, gives the stored answer again, and fits one request only', async () => {
    const key = 'my-key';
    const body = { amount: '50' };
    expect(await post('/v1/faucet', body, { by: 'alice', key: null })).toMatchObject({
      status: 400,
      code: 'idempotency-key-missing',
    });
    const first = await post('/v1/faucet', body, { by: 'alice', key });
    expect(first.status).toBe(200);
    const again = await post('/v1/faucet', body, { by: 'alice', key });
    expect([again.status, again.text]).toEqual([200, first.text]);
    expect(await post('/v1/faucet', { amount: '51' }, { by: 'alice', key })).toMatchObject({
      status: 422,
      code: 'idempotency-mismatch',
    });
    expect(await balance(world, 'alice')).toBe(50n);
  });

  it('has one effect for ten requests at once: one answer, the others told to wait', async () => {
    const all = await Promise.all(
      Array.from({ length: 10 }, () =>
        post('/v1/faucet', { amount: '5' }, { by: 'alice', key: 'same' }),
      ),
    );
    expect(all.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(all.filter(({ code }) => code === 'idempotency-in-progress')).toHaveLength(9);
    expect(await balance(world, 'alice')).toBe(5n);
  });

  it('gives the answer of another worker that was faster', async () => {
    const all = await Promise.all(
      [routes.app, routes.another()].map((worker) =>
        post('/v1/faucet', { amount: '5' }, { by: 'alice', key: 'race', worker }),
      ),
    );
    expect(all.map(({ status }) => status)).toEqual([200, 200]);
    expect(all[0]?.text).toBe(all[1]?.text);
    expect(await balance(world, 'alice')).toBe(5n);
  });

  it('of a refused request can be used again', async () => {
    const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 10n });
    const open = await sign(world, 'paych.open', body, 'alice');
    const key = 'retry';
    expect(await post('/v1/channels', { open }, { key })).toMatchObject({
      status: 402,
      code: 'funds-insufficient',
    });
    await fund(world, 'alice', 10n);
    const opened = await post('/v1/channels', { open }, { key });
    expect(opened.status).toBe(201);
    expect((await post('/v1/channels', { open }, { key })).text).toBe(opened.text);
  });
});

describe('the routes of money', () => {
  it('take a channel from opening to closing', async () => {
    await fund(world, 'alice', 100n);
    const { body } = openBody(world, { payer: 'alice', payee: 'bob', amount: 60n });
    const opened = await post('/v1/channels', {
      open: await sign(world, 'paych.open', body, 'alice'),
    });
    const { ch, version } = channelAnswerSchema.parse(JSON.parse(opened.text));
    const waiting = get(`/v1/channels/${ch}?wait=5&version=${version}`);
    const accept = await post(`/v1/channels/${ch}/accept`, {
      open: await sign(world, 'paych.open', body, 'bob'),
    });
    expect(accept.status).toBe(200);
    routes.wake();
    expect((await waiting).body).toMatchObject({ state: 'active' });
    const dir = body.fund_a === '60' ? ('a' as const) : ('b' as const);
    const signed = await voucher(world, { ch, dir, payer: 'alice' }, { cum: 25n });
    const held = await post(`/v1/channels/${ch}/vouchers`, { voucher: signed }, { key: null });
    expect(JSON.parse(held.text)).toMatchObject({ held: '25' });
    const redemptions = [{ voucher: signed }];
    const redeemed = await post(`/v1/channels/${ch}/redeem`, { redemptions });
    const { refused, redeemed: rows } = redeemAnswerSchema.parse(JSON.parse(redeemed.text));
    expect([refused, rows[0]?.moved]).toEqual([[], '25']);
    const close1 = await sign(world, 'paych.close1', { ch, nonce: nonce(1) }, 'alice');
    expect((await post(`/v1/channels/${ch}/close1`, { close1 })).status).toBe(200);
    expect(await post(`/v1/channels/${ch}/finalize`, {})).toMatchObject({
      status: 409,
      code: 'close-window-pending',
    });
    await world.setTime(START + 600_000);
    expect((await post(`/v1/channels/${ch}/finalize`, {})).status).toBe(200);
    const { body: page } = await get(`/v1/channels?did=${world.signers.alice.did}`);
    expect(page.channels).toMatchObject([{ ch, state: 'closed' }]);
    const { body: bob } = await get(`/v1/accounts/${world.signers.bob.did}`);
    expect(bob).toEqual({
      did: world.signers.bob.did,
      available: '25',
      escrow: '0',
      withdrawing: '0',
    });
  });

  it('refuse a body for another channel than the path names', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 60n });
    const other = hash('other');
    const close1 = await sign(world, 'paych.close1', { ch: on.ch, nonce: nonce(1) }, 'alice');
    expect(await post(`/v1/channels/${other}/close1`, { close1 })).toMatchObject({
      status: 422,
      code: 'channel-wrong',
    });
    const signed = await voucher(world, on, { cum: 5n });
    expect(await post(`/v1/channels/${other}/vouchers`, { voucher: signed })).toMatchObject({
      code: 'channel-wrong',
    });
  });

  it('let the payee file a claim over a signed request and nobody over an unsigned one', async () => {
    await fund(world, 'alice', 100n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 60n });
    const signed = await cond(world, on, { task: 't', lane: 1, cap: 20n });
    const made = await receipt(world, on, { task: 't', lane: 1, price: 15n });
    world.receipts.set(made.id, made.envelope);
    expect((await get(`/v1/receipts/${made.id}`)).body).toMatchObject({ state: 'unpaid' });
    const filing = { cond: signed.envelope, receipt: made.envelope };
    expect(await post('/v1/claims', filing)).toMatchObject({ status: 401 });
    expect(await post('/v1/claims', filing, { by: 'carol' })).toMatchObject({
      status: 403,
      code: 'party-wrong',
    });
    expect((await post('/v1/claims', filing, { by: 'bob' })).status).toBe(201);
    expect((await get(`/v1/receipts/${made.id}`)).body).toMatchObject({ state: 'claimed' });
    expect((await get(`/v1/claims/${signed.id}`)).body).toMatchObject({ state: 'pending' });
    expect((await get('/v1/ledger/claims')).body.claims).toMatchObject([
      { id: signed.id, executor: world.signers.bob.did, receipt_envelope: made.envelope },
    ]);
    expect(await post(`/v1/claims/${signed.id}/post`, {})).toMatchObject({ code: 'claim-not-due' });
    await world.setTime(START + 60_000);
    expect((await post(`/v1/claims/${signed.id}/post`, {})).status).toBe(200);
    const { body } = await get(`/v1/reputation/${world.signers.bob.did}`);
    expect(body).toMatchObject({ n: 1, ok: 1, score: 0.5 });
  });

  it('show the journal in pages and a sum of zero', async () => {
    for (let n = 0; n < 3; n++) await fund(world, 'alice', 5n);
    const first = transferListAnswerSchema.parse((await get('/v1/ledger/transfers?limit=2')).body);
    expect([first.transfers.length, first.next]).toEqual([2, 2]);
    const rest = transferListAnswerSchema.parse((await get('/v1/ledger/transfers?after=2')).body);
    expect([rest.transfers.map(({ seq }) => seq), rest.next]).toEqual([[3], undefined]);
    const { body } = await get('/v1/ledger/conservation');
    expect(body).toEqual({ credits: '15', debits: '15', difference: '0' });
    expect(await get('/v1/ledger/lanes?after=x')).toMatchObject({ status: 400 });
    expect(await get('/v1/ledger/seals')).toMatchObject({ status: 200, body: { seals: [] } });
    expect(await get(`/v1/channels/${hash('none')}`)).toMatchObject({ status: 404 });
  });
});
