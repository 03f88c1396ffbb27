/** Everything that is not a good order: a code and, where one is to blame, its field. Nothing moves. */
import {
  cosign,
  decodeBase64url,
  didFromPublicKey,
  encodeBase64url,
  foldMemo,
  type PaychVoucher,
} from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRouteWorld, type RouteWorld } from './testing/routes.ts';
import {
  createWorld,
  DAY,
  difference,
  fund,
  hash,
  must,
  nonce,
  type Opened,
  openActive,
  openBody,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from './testing/world.ts';

type Envelope = {
  type: string;
  body: Record<string, unknown>;
  sigs: { by: string; sig: string }[];
};

let world: World;
let routes: RouteWorld;
let on: Opened;
/** Everything that an order could have changed. */
let before: unknown;
const tables = ['account', 'transfer', 'channel', 'lane', 'mailbox', 'claim', 'rail_event'];
const contents = async () =>
  world.database.readMany([
    ...tables.map((table) => ({ sql: `SELECT * FROM ${table}`, args: [] })),
    { sql: 'SELECT key FROM idem WHERE key <> ?1', args: ['paid'] },
  ]);

beforeEach(async () => {
  world = await createWorld();
  routes = createRouteWorld(world);
  await fund(world, 'alice', 1_000n);
  on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
  must(await world.ledger.redeem([{ voucher: await voucher(world, on, { cum: 10n }) }], null));
  before = await contents();
});
afterEach(async () => {
  expect(await contents()).toEqual(before);
  expect(await difference(world)).toBe('0');
  await world.database.close();
});

const body = (more: Partial<PaychVoucher> = {}): PaychVoucher => ({
  ch: on.ch,
  dir: on.dir,
  lane: '0',
  cum: '20',
  memo: '',
  ...more,
});
const signed = async (more: object = {}): Promise<Envelope> =>
  sign(world, 'paych.voucher', { ...body(), ...more }, 'alice');
/** The row of a redemption that was refused, or the problem of the whole request. */
async function redeem(envelope: unknown, receipts?: unknown[]) {
  const redemptions = [{ voucher: envelope, ...(receipts && { receipts }) }];
  const { status, text } = await routes.post(`/v1/channels/${on.ch}/redeem`, { redemptions });
  const answer = JSON.parse(text);
  if (status === 200) return { status, ...answer.refused[0] };
  return { status, code: answer.code, detail: answer.errors?.[0]?.path ?? answer.detail };
}

describe('a voucher is refused', () => {
  it.each<[string, unknown]>([
    ['a float', '1.5'],
    ['a negative amount', '-1'],
    ['zero', '0'],
    ['a leading zero', '020'],
    ['2^53', '9007199254740992'],
    ['an exponent', '1e3'],
    ['a number that is no text', 20],
    ['nothing', null],
  ])('with %s as its total', async (_name, cum) => {
    const envelope = await signed();
    envelope.body = { ...envelope.body, cum };
    const refused = await redeem(envelope);
    expect(refused).toMatchObject({
      code: expect.stringMatching(/^(body-invalid|not-canonical)$/),
    });
    expect(String(refused.detail)).toContain('cum');
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      'signed for another network',
      async () => {
        const envelope: Envelope = { type: 'paych.voucher', body: body(), sigs: [] };
        return cosign('zs-aaaaaaaaaaaaaaaa', envelope, world.signers.alice);
      },
      'signature-invalid',
    ],
    [
      'signed as another type',
      async () => ({
        ...(await sign(world, 'paych.cond', body(), 'alice')),
        type: 'paych.voucher',
      }),
      'signature-invalid',
    ],
    ['that is of another type', () => sign(world, 'paych.topup', body(), 'alice'), 'type-wrong'],
    ['without a signature', async () => ({ ...(await signed()), sigs: [] }), 'envelope-invalid'],
    ['by its payee', () => sign(world, 'paych.voucher', body(), 'bob'), 'party-wrong'],
    ['by a stranger', () => sign(world, 'paych.voucher', body(), 'carol'), 'party-wrong'],
    [
      'with a signature too many',
      () => sign(world, 'paych.voucher', body(), 'alice', 'bob'),
      'envelope-invalid',
    ],
    [
      'whose scalar is moved by the group order',
      async () => {
        const envelope = await signed();
        const [first] = envelope.sigs;
        return { ...envelope, sigs: [{ by: first?.by, sig: plusOrder(first?.sig ?? '') }] };
      },
      'signature-invalid',
    ],
    [
      'by a key of small order',
      async () => {
        const envelope = await signed();
        const by = didFromPublicKey(new Uint8Array(32).fill(0).with(0, 1));
        return { ...envelope, sigs: [{ by, sig: encodeBase64url(new Uint8Array(64).with(0, 1)) }] };
      },
      'signature-invalid',
    ],
    ['with a field that nobody knows', () => signed({ tip: '1' }), 'body-invalid'],
    ['without a field', async () => dropMemo(await signed()), 'body-invalid'],
    ['on lane 256', () => signed({ lane: '256' }), 'body-invalid'],
    ['in a third direction', () => signed({ dir: 'c' }), 'body-invalid'],
    ['of a channel that is not there', () => signed({ ch: hash('none') }), 'channel-wrong'],
  ])('%s', async (_name, make, code) => {
    expect(await redeem(await make())).toMatchObject({ code });
  });

  it('of another channel, on the route of this one', async () => {
    await fund(world, 'bob', 5n);
    const other = await openActive(world, { payer: 'alice', payee: 'bob', amount: 50n, n: 9 });
    before = await contents();
    const envelope = await voucher(world, other, { cum: 20n });
    expect(await redeem(envelope)).toMatchObject({ code: 'channel-wrong', detail: 'ch' });
    const moved = { ...envelope, body: { ...envelope.body, ch: on.ch } };
    expect(await redeem(moved)).toMatchObject({ code: 'signature-invalid' });
  });

  it('with a lower or equal total moves nothing, and that is no fault', async () => {
    for (const cum of ['5', '10'])
      expect(await redeem(await signed({ cum }))).toEqual({ status: 200 });
    before = await contents();
  });

  it('over the fund in the mailbox, by its field', async () => {
    const posted = await routes.post(`/v1/channels/${on.ch}/vouchers`, {
      voucher: await signed({ cum: '101' }),
    });
    expect(posted).toMatchObject({ status: 409, code: 'voucher-over-fund' });
    expect(JSON.parse(posted.text).detail).toBe('cum');
  });

  it('over an escrow that is spent', async () => {
    must(await world.ledger.redeem([{ voucher: await voucher(world, on, { cum: 100n }) }], null));
    before = await contents();
    expect(await redeem(await signed({ lane: '1' }))).toMatchObject({
      code: 'escrow-insufficient',
    });
  });

  it('in the window that is over, and on a closed channel', async () => {
    const close1 = await sign(world, 'paych.close1', { ch: on.ch, nonce: nonce(1) }, 'alice');
    must(await world.ledger.close1Channel(close1, null));
    await world.setTime(START + 600_000);
    before = await contents();
    expect(await redeem(await signed())).toMatchObject({ code: 'redeem-window-passed' });
    must(await world.ledger.finalizeChannel(on.ch, null));
    before = await contents();
    expect(await redeem(await signed())).toMatchObject({ code: 'channel-closed' });
  });

  it('with receipts that do not fold to its memo, or do not add up', async () => {
    const made = await receipt(world, on, { task: 't', lane: 0, price: 10n });
    const memo = foldMemo('', made.id, 10n);
    const wrongMemo = await signed({ memo: hash('other') });
    expect(await redeem(wrongMemo, [made.envelope])).toMatchObject({ code: 'memo-mismatch' });
    const wrongSum = await signed({ memo, cum: '21' });
    expect(await redeem(wrongSum, [made.envelope])).toMatchObject({ code: 'price-mismatch' });
    const forged = { ...made.envelope, body: { ...made.envelope.body, gas: '1' } };
    expect(await redeem(await signed({ memo }), [forged])).toMatchObject({
      code: 'signature-invalid',
    });
  });
});

describe('an opening is refused', () => {
  const open = (more: object, ...names: ('alice' | 'bob')[]) => {
    const { body: terms } = openBody(world, { payer: 'alice', payee: 'bob', amount: 10n, n: 5 });
    return sign(world, 'paych.open', { ...terms, ...more }, ...names);
  };
  it.each<[string, object, number, string]>([
    ['of an unknown asset', { asset: 'gold' }, 422, 'asset-unknown'],
    ['that lapsed', { open_by: String(START - 1) }, 409, 'open-by-passed'],
    ['with a window that is too short', { window_ms: '59999' }, 422, 'terms-invalid'],
    ['with a fund that is a float', { fund_a: '0.5' }, 400, 'body-invalid'],
    ['with more than there is', { fund_a: '100000', fund_b: '100000' }, 402, 'funds-insufficient'],
  ])('%s', async (_name, more, status, code) => {
    expect(await routes.post('/v1/channels', { open: await open(more, 'alice') })).toMatchObject({
      status,
      code,
    });
  });

  it('half-signed: nobody pays out of it, and it ends with its opener', async () => {
    const { text } = await routes.post('/v1/channels', { open: await open({}, 'alice') });
    const { ch } = JSON.parse(text);
    before = await contents();
    const dir = on.dir;
    const half = await sign(world, 'paych.voucher', { ...body(), ch, dir }, 'alice');
    const redemptions = [{ voucher: half }];
    const posted = await routes.post(`/v1/channels/${ch}/redeem`, { redemptions });
    expect(JSON.parse(posted.text).refused).toMatchObject([{ code: 'channel-opening' }]);
    const close = { ch, cum_a: '0', cum_b: '0', not_after: String(START + DAY) };
    const both = await sign(world, 'paych.close', close, 'alice', 'bob');
    expect(await routes.post(`/v1/channels/${ch}/close`, { close: both })).toMatchObject({
      code: 'channel-opening',
    });
  });
});

it('an idempotency key that was used for another body is refused, and the answer stays', async () => {
  const path = `/v1/channels/${on.ch}/redeem`;
  const first = { redemptions: [{ voucher: await signed() }] };
  const paid = await routes.post(path, first, { key: 'paid' });
  before = await contents();
  const other = { redemptions: [{ voucher: await signed({ cum: '30' }) }] };
  expect(await routes.post(path, other, { key: 'paid' })).toMatchObject({
    status: 422,
    code: 'idempotency-mismatch',
  });
  expect((await routes.post(path, first, { key: 'paid' })).text).toBe(paid.text);
});

function dropMemo(envelope: Envelope): unknown {
  const { memo: _memo, ...rest } = envelope.body;
  return { ...envelope, body: rest };
}

/** S + L: the same point equation, another encoding (RFC 8032 5.1.7 demands S < L). */
function plusOrder(sig: string): string {
  const bytes = decodeBase64url(sig);
  if (!bytes.ok) throw new Error('not a signature');
  const order = 2n ** 252n + 27742317777372353535851937790883648493n;
  const value = Uint8Array.from(bytes.value);
  let s = order;
  for (let at = 63; at >= 32; at--) s += BigInt(value[at] ?? 0) << (8n * BigInt(at - 32));
  for (let at = 32; at < 64; at++) value[at] = Number((s >> (8n * BigInt(at - 32))) & 255n);
  return encodeBase64url(value);
}
