import { expect, test } from 'vitest';
import { caller, clientOf, clock, edgeWith, hello } from '../testing/client.ts';
import { TEST_NETWORK } from '../testing/edge.ts';
import { type Behaviour, testExecutor } from '../testing/executor.ts';
import { signerOf, unwrap } from '../testing/parties.ts';
import { createMemoryStore } from '../wallet/memory-store.ts';
import type { WalletStore } from '../wallet/store.ts';
import { connect } from './connect.ts';
import type { ProgressEvent } from './progress.ts';

test('a job goes from words to a checked, paid result, and its voucher is worth the receipt', async () => {
  const edge = await edgeWith({});
  const client = await clientOf(edge);
  const steps: ProgressEvent[] = [];
  const { output, status, price, verified, delivered, receiptId } = unwrap(
    await client.run({ ...hello, onProgress: (event) => steps.push(event) }),
  );
  expect(new TextDecoder().decode(output)).toBe('42');
  expect({ status, verified, delivered }).toEqual({
    status: 'ok',
    verified: true,
    delivered: true,
  });
  expect(edge.vouchers.map(({ body }) => body.cum)).toEqual([String(price)]);
  expect(receiptId).toHaveLength(43);
  const done = steps.filter(({ state }) => state === 'done').map(({ step }) => step);
  expect(done).toEqual(['search', 'card', 'channel', 'submit', 'wait', 'output', 'verify', 'pay']);
});

test('a second job uses the same channel and lane', async () => {
  const edge = await edgeWith({});
  const client = await clientOf(edge);
  const first = unwrap(await client.run(hello));
  const second = unwrap(await client.run(hello));
  expect(second.ch).toBe(first.ch);
  expect(edge.vouchers.map(({ body }) => [body.lane, body.cum])).toEqual([
    ['1', String(first.price)],
    ['1', String(first.price + second.price)],
  ]);
});

test('jobs in parallel share one new channel and take separate lanes', async () => {
  const edge = await edgeWith({});
  const client = await clientOf(edge);
  const results = await Promise.all([client.run(hello), client.run(hello), client.run(hello)]);
  expect(new Set(results.map((result) => unwrap(result).ch)).size).toBe(1);
  expect(new Set(edge.vouchers.map(({ body }) => body.lane)).size).toBe(3);
});

test.each<[string, Behaviour, string]>([
  ['another output', { lie: (r) => ({ ...r, output: `${'B'.repeat(42)}A` }) }, 'output-missing'],
  ['another status', { lie: (r) => ({ ...r, status: 'exit:1' }) }, 'status-differs'],
  [
    'more gas at a price that fits it',
    { lie: (r) => ({ ...r, gas: '900000000', price: String(1_000 + 90_000) }) },
    'gas-differs',
  ],
  ['a price over its usage', { lie: (r) => ({ ...r, price: '5000' }) }, 'price-wrong'],
  ['another lane', { lie: (r) => ({ ...r, lane: '7' }) }, 'terms-wrong'],
  ['an output that is kept back', { withholdOutput: true }, 'output-missing'],
])('a receipt with %s is objected to and never paid', async (_, behaviour, reason) => {
  const edge = await edgeWith(behaviour);
  const client = await clientOf(edge);
  const result = await client.run(hello);
  expect(result).toMatchObject({ ok: false, code: `objected:${reason}` });
  expect(edge.objections.map(({ body }) => body.reason)).toEqual([reason]);
  expect(edge.vouchers).toEqual([]);
});

test('a receipt that another key signed is neither paid nor objected to', async () => {
  const edge = await edgeWith({});
  const client = await clientOf(edge);
  const stranger = await testExecutor(TEST_NETWORK, await signerOf('stranger'));
  const [executor] = edge.executors;
  if (executor === undefined) throw new Error('no executor');
  edge.executors[0] = { ...executor, work: stranger.work };
  expect(await client.run(hello)).toMatchObject({ ok: false, code: 'receipt-forged' });
  expect([edge.vouchers, edge.objections]).toEqual([[], []]);
});

test('an executor that turns the task down is followed by the next one', async () => {
  const edge = await edgeWith({ reject: { code: 'busy' } }, {});
  const client = await clientOf(edge);
  const { agent, tried } = unwrap(await client.run(hello));
  expect(agent.did).toBe(edge.executors[1]?.signer.did);
  expect(tried).toMatchObject([{ did: edge.executors[0]?.signer.did, code: 'rejected:busy' }]);
});

test('who failed is not asked first again, by this client or by the next one of its wallet', async () => {
  const edge = await edgeWith({ reject: { code: 'abandoned' } }, {});
  const store = createMemoryStore();
  const first = await clientOf(edge, store);
  expect(unwrap(await first.run(hello)).tried).toHaveLength(1);
  expect(unwrap(await first.run(hello)).tried).toEqual([]);
  await first.close();
  const second = await clientOf(edge, store);
  expect(unwrap(await second.run(hello)).tried).toEqual([]);
});

test('work in parallel spreads over agents that are equally good', async () => {
  const edge = await edgeWith({}, {}, {});
  const client = await clientOf(edge);
  const runs = await Promise.all(Array.from({ length: 12 }, () => client.run(hello)));
  expect(new Set(runs.map((run) => unwrap(run).agent.did)).size).toBe(3);
});

test('a card that changed since it was read is read again, and the work done at its new terms', async () => {
  const edge = await edgeWith({});
  const client = await clientOf(edge);
  const first = unwrap(await client.run(hello));
  const behaviour = { rejectUnlessBase: '2000' };
  const signer = await signerOf('executor 0');
  edge.executors[0] = await testExecutor(TEST_NETWORK, signer, { base: '2000', behaviour });
  const second = unwrap(await client.run(hello));
  expect(second.price - first.price).toBe(1_000n);
  expect(second.tried).toEqual([]);
});

test('a card is believed for seconds only: an agent that went off line is noticed', async () => {
  const edge = await edgeWith({});
  const client = await clientOf(edge);
  unwrap(await client.run(hello));
  const [executor] = edge.executors;
  if (executor === undefined) throw new Error('no executor');
  edge.executors[0] = { ...executor, card: { ...executor.card, online: false } };
  clock.advance(5_000);
  expect(await client.run(hello)).toMatchObject({ ok: false, code: 'executor-offline' });
});

test('a paid task costs two commits, and a delivered voucher is sent again only after a crash', async () => {
  const edge = await edgeWith({});
  const store = createMemoryStore();
  let commits = 0;
  const counted: WalletStore = {
    ...store,
    commit(...args) {
      commits++;
      return store.commit(...args);
    },
  };
  const client = await clientOf(edge, counted);
  unwrap(await client.run(hello));
  expect(await client.wallet.pending()).toEqual([]);
  commits = 0;
  unwrap(await client.run(hello));
  expect(commits).toBe(2);
  // Nobody closed the first client: its process is gone.
  expect((await clientOf(edge, store)).recovered).toMatchObject([{ state: 'delivered' }]);
  expect((await clientOf(edge, store)).recovered).toEqual([]);
  const last = edge.vouchers.slice(-2).map(({ body }) => body.cum);
  expect(last[0]).toBe(last[1]);
});

test('a client that is closed leaves nothing to send again', async () => {
  const edge = await edgeWith({});
  const store = createMemoryStore();
  const client = await clientOf(edge, store);
  unwrap(await client.run(hello));
  await client.close();
  expect((await clientOf(edge, store)).recovered).toEqual([]);
});

test('a named executor that is busy is asked again when it said', async () => {
  const edge = await edgeWith({ reject: { code: 'busy', retry_ms: 500 } });
  const client = await clientOf(edge);
  const agent = { did: edge.executors[0]?.signer.did ?? '', agent: 'hello' };
  const result = await client.run({ ...hello, query: undefined, agent });
  expect(result).toMatchObject({ ok: false, code: 'rejected:busy' });
  expect(edge.tasks.size).toBe(4);
});

test('a task that may still be claimed counts against the budget of the next attempt', async () => {
  const edge = await edgeWith({ vanish: 'accepted' }, {});
  const client = await clientOf(edge);
  // The first attempt reserves nearly all of it, and its executor may still come back with a result.
  const result = await client.run({ ...hello, budget: 100_000n });
  expect(result).toMatchObject({ ok: false, code: 'budget-too-small' });
  expect(edge.vouchers).toEqual([]);
});

test('an edge that breaks the genesis, a card or its signature is found out', async () => {
  const edge = await edgeWith({}, {});
  const [one, two] = edge.executors;
  if (one === undefined || two === undefined) throw new Error('no executors');
  edge.executors.splice(1);
  edge.executors[0] = { ...one, card: { ...one.card, card: two.card.card } };
  const client = await clientOf(edge);
  expect(await client.run(hello)).toMatchObject({ ok: false, code: 'record-hash' });
  edge.network = { ...edge.network, network: 'zs-aaaaaaaaaaaaaaaa' };
  expect(await connect(edge.url, caller, { clock })).toMatchObject({ code: 'network-invalid' });
});

test('Ctrl-C while waiting leaves a task that the next start settles', async () => {
  const edge = await edgeWith({});
  const store = createMemoryStore();
  const client = await clientOf(edge, store);
  const abort = new AbortController();
  const result = await client.run({
    ...hello,
    signal: abort.signal,
    onProgress: ({ step }) => {
      if (step === 'wait') abort.abort();
    },
  });
  expect(result).toMatchObject({ ok: false, code: 'aborted', task: expect.any(String) });
  expect((await clientOf(edge, store)).recovered).toMatchObject([{ state: 'paid' }]);
});

test('the proof of an earlier job can be had again, whole', async () => {
  const edge = await edgeWith({});
  const client = await clientOf(edge);
  const { task } = unwrap(await client.run(hello));
  const bundle = unwrap(await client.bundle(task, { bytes: true }));
  expect(await client.verifyReceipt(bundle)).toMatchObject({ verdict: 'valid' });
  expect(bundle.module.bytes?.length).toBeGreaterThan(0);
  expect(await client.bundle('A'.repeat(43))).toMatchObject({ code: 'task-unknown' });
});

test('a caller without enough money is told before anything is signed', async () => {
  const edge = await edgeWith({});
  edge.available = 10n;
  const client = await clientOf(edge);
  expect(await client.run(hello)).toMatchObject({ ok: false, code: 'funds-insufficient' });
  expect(edge.channels.size).toBe(0);
});

test('closing a channel names what was paid, and refuses while a task is open', async () => {
  const edge = await edgeWith({});
  const client = await clientOf(edge);
  const { ch, price } = unwrap(await client.run(hello));
  unwrap(await client.closeChannel(ch));
  const close = edge.seen.find(({ path }) => path.endsWith('/close'));
  const body = JSON.parse(close?.body.toString() ?? '{}').close.body;
  expect(new Set([body.cum_a, body.cum_b])).toEqual(new Set(['0', String(price)]));
});
