/** Requests that every runtime must refuse with the same status and code. */
import { encodeBase64url, type Signer, sealEnvelope, utf8 } from '@zerostate/shared';
import {
  freshNonce,
  hashOf,
  makeOpen,
  makePublication,
} from '../../apps/edge/test-support/documents.ts';
import type { Sent, Trip } from './journey.ts';

export interface Wrong {
  readonly name: string;
  readonly sent: Sent;
  readonly status: number;
  readonly code: string;
}

const UNKNOWN = hashOf('nothing has this id');
const STRANGER = 'did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK';

/** What is wrong with HTTP itself, on any route. */
export function wrongHttp(): Wrong[] {
  const search = { method: 'POST', route: '/v1/search' };
  const text = (body: string) => utf8(body);
  const json = { 'content-type': 'application/json' };
  return [
    {
      name: 'an unknown route',
      sent: { method: 'GET', route: '/v1/nowhere' },
      status: 404,
      code: 'not-found',
    },
    {
      name: 'another method',
      sent: { method: 'DELETE', route: '/v1/search' },
      status: 405,
      code: 'method-not-allowed',
    },
    {
      name: 'not JSON',
      sent: { ...search, bytes: text('{'), headers: json },
      status: 400,
      code: 'json-invalid',
    },
    {
      name: 'a member named twice',
      sent: { ...search, bytes: text('{"text":"a","text":"b"}'), headers: json },
      status: 400,
      code: 'json-duplicate-key',
    },
    {
      name: 'invalid UTF-8',
      sent: { ...search, bytes: new Uint8Array([0x22, 0xff, 0x22]), headers: json },
      status: 400,
      code: 'utf8-invalid',
    },
    {
      name: 'a depth bomb',
      sent: { ...search, bytes: text('['.repeat(5_000)), headers: json },
      status: 400,
      code: 'json-depth',
    },
    {
      name: 'a wrong type',
      sent: { ...search, json: { text: 7 } },
      status: 400,
      code: 'invalid-request',
    },
    {
      name: 'an unknown field',
      sent: { ...search, json: { text: 'a', nope: 1 } },
      status: 400,
      code: 'invalid-request',
    },
    {
      name: 'another content type',
      sent: { ...search, bytes: text('{"text":"a"}') },
      status: 415,
      code: 'media-type-unsupported',
    },
    {
      name: 'a body over its limit',
      sent: { ...search, json: { text: 'a'.repeat(300_000) } },
      status: 413,
      code: 'body-too-large',
    },
    {
      name: 'a link without an upgrade',
      sent: { method: 'GET', route: '/v1/link' },
      status: 426,
      code: 'upgrade-required',
    },
  ];
}

/** One refusal for each route that takes something. */
export async function wrongRoutes(trip: Trip, strangerKey: Signer): Promise<Wrong[]> {
  const { network, caller, executor, ch } = trip;
  const id = network.network;
  const by = (signer: Signer, type: string, body: Record<string, string>, net = id) =>
    sealEnvelope(net, type, body, signer);
  const now = Date.now();
  const card = await makePublication(id, executor, { now, seq: '0' });
  const future = await makePublication(id, executor, { now: now + 3_600_000, seq: '9' });
  const { open } = await makeOpen(id, caller, executor, {
    now,
    asset: network.genesis.asset,
    fund: '9007199254740991',
  });
  const voucher = { ch, dir: trip.dir, lane: '1', cum: '1', memo: '' };
  const credit = {
    account: caller.did,
    amount: '1',
    ext_ref: 'x',
    not_after: String(now + 60_000),
  };
  const withdraw = {
    ...{ account: caller.did, rail: 'operator', amount: '9007199254740991', destination: 'x' },
    ...{ nonce: freshNonce(), not_after: String(now + 60_000) },
  };
  const debit = {
    ...{ withdrawal: UNKNOWN, account: caller.did, amount: '1', outcome: 'done', ext_ref: 'x' },
  };
  const at = (method: string, route: string, rest: Omit<Sent, 'method' | 'route'> = {}): Sent => ({
    method,
    route,
    ...rest,
  });
  const params = {
    ch,
    task: UNKNOWN,
    claim: UNKNOWN,
    receipt: UNKNOWN,
    sha256: UNKNOWN,
    withdrawal: UNKNOWN,
    did: STRANGER,
    agent: 'nobody',
  };
  const post = (route: string, json: unknown, rest: Partial<Sent> = {}) =>
    at('POST', route, { params, json, ...rest });
  const get = (route: string, rest: Partial<Sent> = {}) => at('GET', route, { params, ...rest });
  const unknownCh = { params: { ...params, ch: UNKNOWN } };
  const nonce = freshNonce();
  const otherNetwork = await by(caller, 'paych.voucher', voucher, 'zs-aaaaaaaaaaaaaaaa');
  return [
    {
      name: 'a replayed older card',
      sent: post('/v1/cards', card),
      status: 409,
      code: 'card-stale',
    },
    {
      name: 'a card from the future',
      sent: post('/v1/cards', future),
      status: 422,
      code: 'record-from-future',
    },
    {
      name: 'a cursor of nobody',
      sent: get('/v1/cards', { query: '?cursor=nope' }),
      status: 400,
      code: 'cursor-invalid',
    },
    {
      name: 'an unknown agent',
      sent: get('/v1/agents/{did}/{agent}'),
      status: 404,
      code: 'card-unknown',
    },
    {
      name: 'an unknown card document',
      sent: get('/v1/agents/{did}/{agent}/card.json'),
      status: 404,
      code: 'card-unknown',
    },
    {
      name: 'a malformed DID',
      sent: get('/v1/accounts/{did}', { params: { did: 'bob' } }),
      status: 400,
      code: 'invalid-request',
    },
    {
      name: 'play money unsigned',
      sent: post('/v1/faucet', { amount: '1' }),
      status: 401,
      code: 'signature-missing',
    },
    {
      name: 'a float of money',
      sent: post('/v1/faucet', { amount: '1.5' }, { signer: caller }),
      status: 400,
      code: 'invalid-request',
    },
    {
      name: 'a credit by nobody',
      sent: post('/v1/credits', { credit: await by(strangerKey, 'rail.credit', credit) }),
      status: 403,
      code: 'operator-unknown',
    },
    {
      name: 'a withdrawal of what is not there',
      sent: post('/v1/withdrawals', { withdraw: await by(caller, 'rail.withdraw', withdraw) }),
      status: 402,
      code: 'funds-insufficient',
    },
    {
      name: 'a debit by nobody',
      sent: post('/v1/debits', { debit: await by(strangerKey, 'rail.debit', debit) }),
      status: 403,
      code: 'operator-unknown',
    },
    {
      name: 'an unknown withdrawal',
      sent: get('/v1/withdrawals/{withdrawal}', { signer: caller }),
      status: 404,
      code: 'withdrawal-unknown',
    },
    {
      name: 'the withdrawals of somebody else',
      sent: get('/v1/withdrawals', { query: `?did=${STRANGER}`, signer: caller }),
      status: 403,
      code: 'forbidden',
    },
    {
      name: 'a cancel of an unknown task',
      sent: post('/v1/tasks/{task}/cancel', {
        cancel: await by(caller, 'task.cancel', { task: UNKNOWN }),
      }),
      status: 404,
      code: 'task-unknown',
    },
    {
      name: 'more than the account has',
      sent: post('/v1/channels', { open }),
      status: 402,
      code: 'funds-insufficient',
    },
    {
      name: 'an unknown channel',
      sent: get('/v1/channels/{ch}', unknownCh),
      status: 404,
      code: 'channel-unknown',
    },
    {
      name: 'a channel list of a malformed DID',
      sent: get('/v1/channels', { query: '?did=bob' }),
      status: 400,
      code: 'invalid-request',
    },
    {
      name: 'a voucher of another network',
      sent: post('/v1/channels/{ch}/vouchers', { voucher: otherNetwork }),
      status: 401,
      code: 'signature-invalid',
    },
    {
      name: 'a voucher by the payee',
      sent: post('/v1/channels/{ch}/vouchers', {
        voucher: await by(executor, 'paych.voucher', voucher),
      }),
      status: 403,
      code: 'party-wrong',
    },
    {
      name: 'an unsigned envelope',
      sent: post('/v1/channels/{ch}/close1', {
        close1: { type: 'paych.close1', body: { ch, nonce }, sigs: [] },
      }),
      status: 400,
      code: 'envelope-invalid',
    },
    {
      name: 'a close by a stranger',
      sent: post('/v1/channels/{ch}/close1', {
        close1: await by(strangerKey, 'paych.close1', { ch, nonce }),
      }),
      status: 403,
      code: 'party-wrong',
    },
    {
      name: 'a cancel of an active channel',
      sent: post('/v1/channels/{ch}/cancel', {
        cancel: await by(caller, 'paych.cancel', { ch, nonce }),
      }),
      status: 409,
      code: 'channel-active',
    },
    {
      name: 'a finalize before its time',
      sent: post('/v1/channels/{ch}/finalize', {}),
      status: 409,
      code: 'channel-active',
    },
    {
      name: 'an unknown claim',
      sent: get('/v1/claims/{claim}'),
      status: 404,
      code: 'claim-unknown',
    },
    {
      name: 'posting an unknown claim',
      sent: post('/v1/claims/{claim}/post', {}),
      status: 404,
      code: 'claim-unknown',
    },
    {
      name: 'a task that is read by nobody',
      sent: get('/v1/tasks/{task}'),
      status: 401,
      code: 'signature-missing',
    },
    {
      name: 'an unknown task',
      sent: get('/v1/tasks/{task}', { signer: caller }),
      status: 404,
      code: 'task-unknown',
    },
    {
      name: 'a task without its condition',
      sent: post('/v1/tasks', { manifest: otherNetwork }),
      status: 400,
      code: 'invalid-request',
    },
    {
      name: 'an unknown receipt',
      sent: get('/v1/receipts/{receipt}'),
      status: 404,
      code: 'receipt-unknown',
    },
    {
      name: 'an unknown blob',
      sent: get('/v1/blobs/{sha256}', { signer: caller }),
      status: 404,
      code: 'blob-unknown',
    },
    {
      name: 'bytes of another hash',
      sent: at('PUT', '/v1/blobs/{sha256}', { params, bytes: utf8('x'), signer: caller }),
      status: 422,
      code: 'blob-hash-wrong',
    },
    {
      name: 'a page that is not a number',
      sent: get('/v1/ledger/transfers', { query: '?after=x' }),
      status: 400,
      code: 'invalid-request',
    },
    {
      name: 'a k of a million',
      sent: post('/v1/search', { text: 'a', k: 1_000_000 }),
      status: 400,
      code: 'invalid-request',
    },
    {
      name: 'inline input that is not base64url',
      sent: post('/v1/tasks', {
        manifest: otherNetwork,
        cond: otherNetwork,
        input: `${encodeBase64url(utf8('x'))}=`,
      }),
      status: 400,
      code: 'invalid-request',
    },
  ];
}
