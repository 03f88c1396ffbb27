/** Every route once right, in the order in which two strangers would come to them. */
import {
  type ChannelAnswer,
  cosign,
  createSigner,
  encodeBase64url,
  foldMemo,
  idOf,
  MESH_FEATURE,
  type NetworkAnswer,
  type Signer,
  sealEnvelope,
  sha256Base64url,
  signRequest,
  utf8,
} from '@zerostate/shared';
import {
  freshNonce,
  makeAccept,
  makeOpen,
  makePublication,
  makeReceipt,
  makeTask,
  type TaskPair,
} from '../../apps/edge/test-support/documents.ts';
import { LinkPeer, readNetwork } from '../../apps/edge/test-support/job.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  // Answers are compared field by field in the tests; their shape is what is being tested.
  readonly body: Record<string, unknown>;
}

export interface Sent {
  readonly method: string;
  /** The OpenAPI template of the path. */
  readonly route: string;
  readonly params?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly json?: unknown;
  readonly bytes?: Uint8Array<ArrayBuffer>;
  readonly signer?: Signer;
  readonly headers?: Readonly<Record<string, string>>;
}

export async function someSigner(): Promise<Signer> {
  return createSigner(crypto.getRandomValues(new Uint8Array(32)));
}

/** Requests of anybody to one edge; remembers which routes answered well and which refused. */
export class Traveller {
  readonly url: string;
  readonly right = new Set<string>();
  readonly wrong = new Set<string>();

  constructor(url: string) {
    this.url = url;
  }

  async send(sent: Sent): Promise<Answer> {
    const { method, route, params = {}, query = '', signer } = sent;
    const path = route.replaceAll(/\{([a-z0-9_]+)\}/g, (_, name: string) =>
      encodeURIComponent(params[name] ?? name),
    );
    const url = `${this.url}${path}${query}`;
    const body =
      sent.bytes ?? (sent.json === undefined ? undefined : utf8(JSON.stringify(sent.json)));
    const nonce = method === 'POST' ? freshNonce() : undefined;
    const now = Date.now();
    const signed = signer ? await signRequest({ method, url, body, now, nonce, signer }) : {};
    const type = sent.bytes ? 'application/octet-stream' : 'application/json';
    const response = await fetch(url, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': type }),
        ...(method === 'POST' ? { 'idempotency-key': freshNonce() } : {}),
        ...signed,
        ...sent.headers,
      },
      ...(body === undefined ? {} : { body }),
    });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    (response.ok ? this.right : this.wrong).add(`${method} ${route}`);
    const { status, headers } = response;
    return { status, headers, body: isJson ? JSON.parse(text) : { text } };
  }

  /** The answer's body; a refusal fails the journey with the problem. */
  async must(sent: Sent): Promise<Record<string, unknown>> {
    const { status, body } = await this.send(sent);
    if (status < 400) return body;
    throw new Error(`${sent.method} ${sent.route}: ${status} ${JSON.stringify(body)}`);
  }
}

export interface Parties {
  readonly caller: Signer;
  readonly executor: Signer;
  readonly operator: Signer;
}

export interface Trip extends Parties {
  readonly go: Traveller;
  readonly network: NetworkAnswer;
  readonly link: LinkPeer;
  readonly ch: string;
  readonly dir: 'a' | 'b';
}

const INPUT = utf8('a picture');
const OUTPUT = utf8('a small picture');

/** Public pages, money, a card, a link, a channel. */
export async function arrive(url: string, parties: Parties): Promise<Trip> {
  const go = new Traveller(url);
  const network = await readNetwork(url);
  for (const route of ['/v1/network', '/.well-known/agent-card.json', '/healthz', '/readyz']) {
    await go.must({ method: 'GET', route });
  }
  const { caller, executor, operator } = parties;
  for (const signer of [caller, executor]) {
    await go.must({ method: 'POST', route: '/v1/faucet', json: { amount: '1000000000' }, signer });
  }
  const credit = await sealEnvelope(
    network.network,
    'rail.credit',
    {
      account: caller.did,
      amount: '5',
      ext_ref: freshNonce(),
      not_after: String(Date.now() + 60_000),
    },
    operator,
  );
  await go.must({ method: 'POST', route: '/v1/credits', json: { credit } });
  const publication = await makePublication(network.network, executor, { now: Date.now() });
  await go.must({ method: 'POST', route: '/v1/cards', json: publication });
  const link = new LinkPeer(url, executor);
  await link.open(network, network.origins[0] ?? url, freshNonce());
  const terms = { now: Date.now(), asset: network.genesis.asset };
  const { ch, dir, open } = await makeOpen(network.network, caller, executor, terms);
  const half = { ...open, sigs: open.sigs.filter(({ by }) => by === caller.did) };
  await go.must({ method: 'POST', route: '/v1/channels', json: { open: half } });
  await go.must({
    method: 'POST',
    route: '/v1/channels/{ch}/accept',
    params: { ch },
    json: { open },
  });
  return { ...parties, go, network, link, ch, dir };
}

/** What anybody may read. */
export async function lookAround({ go, executor, ch }: Trip): Promise<void> {
  const agent = { did: executor.did, agent: 'thumbnails' };
  await go.must({ method: 'GET', route: '/v1/cards' });
  await go.must({ method: 'GET', route: '/v1/cards/facets' });
  const ofExecutor = `?did=${encodeURIComponent(executor.did)}`;
  await go.must({ method: 'GET', route: '/v1/cards/history', query: ofExecutor });
  await go.must({ method: 'GET', route: '/v1/agents/{did}/{agent}', params: agent });
  await go.must({ method: 'GET', route: '/v1/agents/{did}/{agent}/card.json', params: agent });
  await go.must({ method: 'GET', route: '/v1/accounts/{did}', params: agent });
  await go.must({ method: 'GET', route: '/v1/reputation/{did}', params: agent });
  await go.must({ method: 'GET', route: '/v1/channels/{ch}', params: { ch } });
  await go.must({ method: 'GET', route: '/v1/channels', query: ofExecutor });
  for (const list of ['transfers', 'seals', 'lanes', 'claims', 'conservation']) {
    await go.must({ method: 'GET', route: `/v1/ledger/${list}` });
  }
}

/** One task from submit to receipt; the executor answers over its link. */
export async function workOnce(
  { go, network, link, caller, executor, ch, dir }: Trip,
  about: { lane: string; base: string },
): Promise<{ pair: TaskPair; receipt: Awaited<ReturnType<typeof makeReceipt>> }> {
  const job = { now: Date.now(), ch, dir, lane: about.lane, input: INPUT };
  const pair = await makeTask(network.network, caller, executor, job, {
    cond: { base: about.base },
  });
  const { manifest, cond, id: task } = pair;
  const submit = { manifest, cond, input: encodeBase64url(INPUT) };
  await go.must({ method: 'POST', route: '/v1/tasks', json: submit });
  await link.next((frame) => frame.t === 'msg' && frame.type === 'task.offer');
  link.say('task.accept', await makeAccept(network.network, executor, pair, Date.now() + 60_000));
  const made = { now: Date.now(), output: OUTPUT };
  const receipt = await makeReceipt(network.network, executor, pair, made);
  link.say('task.result', { receipt, output: encodeBase64url(OUTPUT) });
  const read = { method: 'GET', route: '/v1/tasks/{task}', params: { task }, signer: caller };
  for (;;) {
    const answer = await go.must({ ...read, query: '?wait=5' });
    if (answer.state === 'done') return { pair, receipt };
    if (answer.state !== 'offered' && answer.state !== 'accepted')
      throw new Error(`${answer.state}`);
  }
}

/** One task from submit to receipt, for an executor without a link: a gateway node carries it. */
export async function workThroughGateway(trip: Trip): Promise<unknown> {
  const { go, network, caller, ch, dir } = trip;
  const gateway = await someSigner();
  const open = async (signer: Signer, withDid: boolean) => {
    const link = new LinkPeer(go.url, signer, withDid);
    await link.open(network, network.origins[0] ?? go.url, freshNonce(), [MESH_FEATURE]);
    return link;
  };
  // Its newest hello says that it is in the mesh; then its link is gone.
  const gone = await open(trip.executor, true);
  gone.socket.close();
  const params = { did: trip.executor.did, agent: 'thumbnails' };
  const card = { method: 'GET', route: '/v1/agents/{did}/{agent}', params };
  // Noticed within a second; the loop ends by the test's own time otherwise.
  while ((await go.must(card)).online === true);
  const link = await open(gateway, false);
  const job = { now: Date.now(), ch, dir, lane: '4', input: INPUT };
  const pair = await makeTask(network.network, caller, trip.executor, job);
  const submit = { manifest: pair.manifest, cond: pair.cond, input: encodeBase64url(INPUT) };
  await go.must({ method: 'POST', route: '/v1/tasks', json: submit });
  const told = await link.next((frame) => frame.t === 'msg' && frame.type === 'mesh.forward');
  if (told.t !== 'msg') throw new Error('no forward');
  const accept = await makeAccept(network.network, trip.executor, pair, Date.now() + 60_000);
  const made = { now: Date.now(), output: OUTPUT };
  const receipt = await makeReceipt(network.network, trip.executor, pair, made);
  const result = { receipt, output: encodeBase64url(OUTPUT) };
  const from = trip.executor.did;
  link.say('mesh.answer', { from, type: 'task.accept', body: accept });
  link.say('mesh.answer', { from, type: 'task.result', body: result });
  link.say('mesh.answer', { from, type: 'task.result', body: result });
  const refused = await link.next(({ t }) => t === 'error');
  const read = { method: 'GET', route: '/v1/tasks/{task}', params: { task: pair.id } };
  const { state } = await go.must({ ...read, signer: caller });
  link.socket.close();
  const code = refused.t === 'error' ? refused.code : '';
  const { to, type } = told.body;
  return { forward: { to, type }, state, repeated: code };
}

/** Pays a receipt by voucher and redeems it with its proof. */
export async function payAndRedeem(
  { go, network, caller, ch, dir }: Trip,
  receipt: { body: { price: string } },
): Promise<{ voucher: unknown; receiptId: string; price: bigint }> {
  const receiptId = idOf(network.network, 'task.receipt', receipt.body);
  const price = BigInt(receipt.body.price);
  const memo = foldMemo('', receiptId, price);
  const body = { ch, dir, lane: '1', cum: String(price), memo };
  const voucher = await sealEnvelope(network.network, 'paych.voucher', body, caller);
  const at = { method: 'POST', params: { ch } };
  await go.must({ ...at, route: '/v1/channels/{ch}/vouchers', json: { voucher } });
  const redemptions = [{ voucher, receipts: [receipt] }];
  await go.must({ ...at, route: '/v1/channels/{ch}/redeem', json: { redemptions } });
  await go.must({ method: 'GET', route: '/v1/receipts/{receipt}', params: { receipt: receiptId } });
  return { voucher, receiptId, price };
}

/** Claims an objected receipt: it waits. Then bytes, and a second channel that both leave. */
export async function objectAndClaim(trip: Trip): Promise<void> {
  const { go, network, caller, executor } = trip;
  const { pair, receipt } = await workOnce(trip, { lane: '2', base: '0' });
  const receiptId = idOf(network.network, 'task.receipt', receipt.body);
  const body = { receipt: receiptId, reason: 'output-differs' };
  const objection = await sealEnvelope(network.network, 'task.objection', body, caller);
  const task = { params: { task: pair.id }, json: { objection } };
  await go.must({ method: 'POST', route: '/v1/tasks/{task}/objection', ...task });
  const file = { json: { cond: pair.cond, receipt }, signer: executor };
  await go.must({ method: 'POST', route: '/v1/claims', ...file });
  const claim = idOf(network.network, 'paych.cond', pair.cond.body);
  await go.must({ method: 'GET', route: '/v1/claims/{claim}', params: { claim } });
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  const sha256 = sha256Base64url(bytes);
  const blob = { route: '/v1/blobs/{sha256}', params: { sha256 }, signer: caller };
  await go.must({ ...blob, method: 'PUT', bytes });
  await go.must({ ...blob, method: 'GET' });
}

/** Takes money out twice: an operator pays one withdrawal and refuses the other. */
export async function takeMoneyOut({ go, network, caller, operator }: Trip): Promise<unknown[]> {
  const states: unknown[] = [];
  for (const end of [{ outcome: 'done', ext_ref: freshNonce() }, { outcome: 'failed' }]) {
    const order = {
      ...{ account: caller.did, rail: 'operator', amount: '7', destination: 'a bank' },
      ...{ nonce: freshNonce(), not_after: String(Date.now() + 60_000) },
    };
    const withdraw = await sealEnvelope(network.network, 'rail.withdraw', order, caller);
    const asked = { method: 'POST', route: '/v1/withdrawals', json: { withdraw } };
    const { withdrawal } = await go.must(asked);
    const body = { withdrawal: String(withdrawal), account: caller.did, amount: '7', ...end };
    const debit = await sealEnvelope(network.network, 'rail.debit', body, operator);
    await go.must({ method: 'POST', route: '/v1/debits', json: { debit } });
    const one = { route: '/v1/withdrawals/{withdrawal}', params: { withdrawal: `${withdrawal}` } };
    states.push((await go.must({ method: 'GET', ...one, signer: caller })).state);
  }
  await go.must({ method: 'GET', route: '/v1/withdrawals', signer: operator });
  return states;
}

/** Offers a task and takes it back before the executor has said a word. */
export async function cancelOne({
  go,
  network,
  link,
  caller,
  executor,
  ch,
  dir,
}: Trip): Promise<unknown> {
  const job = { now: Date.now(), ch, dir, lane: '3', input: INPUT };
  const { manifest, cond, id: task } = await makeTask(network.network, caller, executor, job);
  const submit = { manifest, cond, input: encodeBase64url(INPUT) };
  await go.must({ method: 'POST', route: '/v1/tasks', json: submit });
  const cancel = await sealEnvelope(network.network, 'task.cancel', { task }, caller);
  const at = { route: '/v1/tasks/{task}/cancel', params: { task } };
  await go.must({ method: 'POST', ...at, json: { cancel } });
  await link.next((frame) => frame.t === 'msg' && frame.type === 'task.cancel');
  link.say('task.reject', { task, code: 'cancelled' });
  const read = { route: '/v1/tasks/{task}', params: { task }, query: '?wait=5', signer: caller };
  for (;;) {
    const { state } = await go.must({ method: 'GET', ...read });
    if (state !== 'offered') return state;
  }
}

/** Opens and takes back, opens and leaves alone, opens and leaves together. */
export async function closeChannels(trip: Trip): Promise<ChannelAnswer['state'][]> {
  const { go, network, caller, executor } = trip;
  const states: ChannelAnswer['state'][] = [];
  const openOne = async (isWhole: boolean) => {
    const terms = { now: Date.now(), asset: network.genesis.asset, fund: '1000' };
    const { ch, open } = await makeOpen(network.network, caller, executor, terms);
    const sigs = isWhole ? open.sigs : open.sigs.filter(({ by }) => by === caller.did);
    await go.must({ method: 'POST', route: '/v1/channels', json: { open: { ...open, sigs } } });
    return ch;
  };
  const end = async (verb: string, ch: string, json: unknown) => {
    const route = `/v1/channels/{ch}/${verb}`;
    const answer = await go.must({ method: 'POST', route, params: { ch }, json });
    states.push(answer.state as ChannelAnswer['state']);
  };
  const taken = await openOne(false);
  const nonce = freshNonce();
  const sign = (type: string, body: Record<string, string>) =>
    sealEnvelope(network.network, type, body, caller);
  await end('cancel', taken, { cancel: await sign('paych.cancel', { ch: taken, nonce }) });
  const left = await openOne(true);
  await end('close1', left, { close1: await sign('paych.close1', { ch: left, nonce }) });
  const shared = await openOne(true);
  const notAfter = String(Date.now() + 60_000);
  const half = await sign('paych.close', {
    ch: shared,
    cum_a: '0',
    cum_b: '0',
    not_after: notAfter,
  });
  const close = await cosign(network.network, half, executor);
  await end('close', shared, { close });
  return states;
}
