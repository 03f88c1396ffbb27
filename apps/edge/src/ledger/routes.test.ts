import {
  channelAnswerSchema,
  encodeBase64url,
  redeemAnswerSchema,
  signRequest,
  transferListAnswerSchema,
  utf8,
} from '@zerostate/shared';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { accountRoutes } from '../accounts/routes.ts';
import { channelRoutes } from '../channels/routes.ts';
import { claimRoutes } from '../claims/routes.ts';
import type { EdgeEnv } from '../http/env.ts';
import { createIdempotency } from '../http/idempotency.ts';
import { createRateLimiter } from '../http/rate-limit.ts';
import type { RouterDeps } from '../http/router.ts';
import type { Watch } from '../ports.ts';
import { receiptRoutes } from '../receipts/routes.ts';
import { reputationRoutes } from '../reputation/routes.ts';
import { ledgerRoutes } from './routes.ts';
import {
  balance,
  cond,
  createWorld,
  fund,
  hash,
  type Name,
  nonce,
  openActive,
  openBody,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from './testing/world.ts';

const ORIGIN = 'http://edge.test';
let world: World;
let app: Hono<EdgeEnv>;
let wake: () => void;
beforeEach(async () => {
  world = await createWorld();
  app = createRoutes();
});
afterEach(() => world.database.close());

function createRoutes(): Hono<EdgeEnv> {
  const clock = { now: () => START };
  const router: RouterDeps = {
    signature: {
      clock,
      verifier: world.ports.verifier,
      nonces: { use: async () => true },
      origins: [ORIGIN],
      didRate: createRateLimiter(clock, { perSecond: 1_000, burst: 1_000 }),
    },
    idempotency: createIdempotency(world.ledger),
  };
  const changed = new Promise<boolean>((resolve) => {
    wake = () => resolve(true);
  });
  const watch = (): Watch => ({ changed: () => changed, close() {} });
  const hub = { wake() {}, wakeTopic() {}, watch };
  const deps = { ...router, ledger: world.ledger, hub, clock };
  const routes = new Hono<EdgeEnv>();
  for (const { app: each } of [
    accountRoutes(deps),
    channelRoutes(deps),
    claimRoutes(deps),
    receiptRoutes(deps),
    reputationRoutes(deps),
    ledgerRoutes(deps),
  ]) {
    routes.route('/', each);
  }
  return routes;
}

type Posted = { status: number; code: string | undefined; text: string };
let requests = 0;
async function post(
  path: string,
  body: unknown,
  options: { key?: string | null; by?: Name; worker?: Hono<EdgeEnv> } = {},
): Promise<Posted> {
  requests += 1;
  const bytes = utf8(JSON.stringify(body));
  const key = options.key === undefined ? `key-${requests}` : options.key;
  const url = ORIGIN + path;
  const signature =
    options.by === undefined
      ? {}
      : await signRequest({
          method: 'POST',
          url,
          body: bytes,
          now: START,
          nonce: encodeBase64url(crypto.getRandomValues(new Uint8Array(16))),
          signer: world.signers[options.by],
        });
  const headers = {
    'content-type': 'application/json',
    ...(key === null ? {} : { 'idempotency-key': key }),
    ...signature,
  };
  const worker = options.worker ?? app;
  const response = await worker.request(url, { method: 'POST', headers, body: bytes });
  const text = await response.text();
  if (response.status >= 400) {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
  }
  return { status: response.status, code: JSON.parse(text).code, text };
}
const get = async (path: string) => {
  const response = await app.request(ORIGIN + path);
  return { status: response.status, body: await response.json() };
};

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
      [app, createRoutes()].map((worker) =>
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
    wake();
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
    expect(bob).toEqual({ did: world.signers.bob.did, available: '25', escrow: '0' });
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
