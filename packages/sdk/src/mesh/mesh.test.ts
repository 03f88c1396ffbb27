import type { Mesh } from '@zerostate/mesh';
import { envelopeField } from '@zerostate/shared';
import { afterEach, describe, expect, test } from 'vitest';
import { systemTimers } from '../adapters/system.ts';
import type { ProgressEvent } from '../client/progress.ts';
import { createMemoryOrders } from '../client/sent-orders.ts';
import { TEST_NETWORK } from '../testing/edge.ts';
import { type MeshExecutor, testNode } from '../testing/mesh-executor.ts';
import { askedOf, caller, MeshWorlds, unclosed, type Work } from '../testing/mesh-world.ts';
import { receiptOf, unwrap } from '../testing/parties.ts';
import { createMemoryStore } from '../wallet/memory-store.ts';
import { connectMesh } from './connect-mesh.ts';

const worlds = new MeshWorlds();
afterEach(() => worlds.end());

const hello = { query: 'say hello', budget: 1_000_000n, verify: 'always' } as const;

describe('without an edge', () => {
  test('a job goes from words to a checked, paid result; the edge sees the ledger’s part alone', async () => {
    const at = await worlds.start({});
    const client = await worlds.connect(at);
    const steps: ProgressEvent[] = [];
    const { output, verified, delivered, price } = unwrap(
      await client.run({ ...hello, onProgress: (event) => steps.push(event) }),
    );
    expect(new TextDecoder().decode(output)).toBe('42');
    expect({ verified, delivered }).toEqual({ verified: true, delivered: true });
    expect(at.executors[0]?.vouchers).toEqual([{ lane: '1', cum: String(price) }]);
    expect(at.edge.vouchers).toEqual([]);
    for (const part of ['search', 'agents', '/tasks', 'vouchers'])
      expect(askedOf(at, part)).toEqual([]);
    const done = steps.filter(({ state }) => state === 'done').map(({ step }) => step);
    expect(done).toEqual([
      'search',
      'card',
      'channel',
      'submit',
      'wait',
      'output',
      'verify',
      'pay',
    ]);
    const before = at.edge.seen.length;
    unwrap(await client.run(hello));
    // The channel is open, the module is here: nobody but the executor is needed.
    expect(at.edge.seen.length).toBe(before);
  });

  test('a result that is pushed ends the wait, and no second offer is made', async () => {
    const at = await worlds.start({ behaviour: { result: 'pushed' } });
    // Who waits for long asks only after that: the result has all the time that it needs.
    const after = (ms: number, f: () => void) => systemTimers.after(ms < 1_000 ? ms : 60 * ms, f);
    const client = await worlds.connect(at, { timers: { after } });
    unwrap(await client.run(hello));
    expect(at.executors[0]?.offers).toHaveLength(1);
  });

  test('a result that nobody pushes is asked for, and the task is run once', async () => {
    const at = await worlds.start({ behaviour: { result: 'asked' } });
    const client = await worlds.connect(at);
    unwrap(await client.run(hello));
    expect(at.executors[0]?.offers.length).toBeGreaterThan(1);
    expect(at.executors[0]?.runs).toHaveLength(1);
  });

  test.each(['pushed', 'asked'] as const)(
    'an output that follows its message arrives with a result that is %s',
    async (result) => {
      const at = await worlds.start({ behaviour: { result, outputFollows: true } });
      const client = await worlds.connect(at);
      const { output } = unwrap(await client.run(hello));
      expect(new TextDecoder().decode(output)).toBe('42');
    },
  );

  test('an output that is kept back is objected to, once the edge has not got it either', async () => {
    const at = await worlds.start({ work: { behaviour: { withholdOutput: true } } });
    const client = await worlds.connect(at);
    expect(await client.run(hello)).toMatchObject({ code: 'objected:output-missing' });
    expect(at.edge.objections.map(({ body }) => body.reason)).toEqual(['output-missing']);
  });

  test('a result that another node tells is not taken', async () => {
    const at = await worlds.start({ behaviour: { result: 'asked' } }, {});
    const client = await worlds.connect(at);
    const [executor, stranger] = at.executors;
    const told = Promise.withResolvers<unknown>();
    const run = client.run({
      ...hello,
      agent: { did: executor?.executor.signer.did ?? '', agent: 'hello' },
      onProgress: ({ step, state, about }) => {
        if (step !== 'wait' || state !== 'started') return;
        const { task = '' } = about;
        told.resolve(tellFalsely(stranger, task));
      },
    });
    expect(unwrap(await run).agent.did).toBe(executor?.mesh.did);
    expect(await told.promise).toMatchObject({ ok: false, refusal: { code: 'task-unknown' } });
  });

  test('an agent that is named is found by its DID, through a node that is not its own', async () => {
    const at = await worlds.start({}, {});
    const client = await worlds.connect(at, { bootstrap: [at.executors[0]?.address ?? ''] });
    const { did } = at.executors[1]?.executor.signer ?? { did: '' };
    const run = unwrap(
      await client.run({ ...hello, query: undefined, agent: { did, agent: 'hello' } }),
    );
    expect(run.agent.did).toBe(did);
  });

  test('nobody with that capability, no such agent, nobody there: each has its code', async () => {
    const at = await worlds.start({});
    const client = await worlds.connect(at);
    expect(await client.run({ ...hello, query: 'boil an egg' })).toMatchObject({
      code: 'agent-not-found',
    });
    const ref = { did: caller.did, agent: 'hello' };
    expect(await client.run({ ...hello, query: undefined, agent: ref })).toMatchObject({
      code: 'agent-not-found',
    });
    expect(await client.search({ text: 'hello', filters: { reputation_min: 0.5 } })).toMatchObject({
      code: 'filter-unknown',
    });
    const address = at.executors[0]?.address ?? '';
    const dead = address.replace(/\/tcp\/\d+/, '/tcp/1');
    expect(await worlds.tryConnect(at, { bootstrap: [dead] })).toMatchObject({
      code: 'mesh-no-peers',
    });
    expect(await worlds.tryConnect(at, { bootstrap: [] })).toMatchObject({
      code: 'bootstrap-missing',
    });
  });

  test('an executor that goes away before the task is sent is passed over for the next', async () => {
    for (const step of ['search', 'channel'] as const) {
      const at = await worlds.start({}, {});
      let gone: string | undefined;
      let leaving: Promise<void> | undefined;
      const orders = createMemoryOrders();
      // A task is kept right before it is sent: its executor is away by then.
      const keep: typeof orders.keep = async (...order) => {
        await leaving;
        return orders.keep(...order);
      };
      const given = { orders: { ...orders, keep } };
      const { client, mesh } = await worlds.connectToAll(at, given);
      const onProgress = ({ step: now, state, about }: ProgressEvent): void => {
        if (gone !== undefined || now !== step || state !== 'done') return;
        const first = at.executors.find(({ executor }) => executor.signer.did === about.executor);
        const leaver = (first ?? at.executors[0])?.mesh;
        gone = leaver?.did;
        leaving = leaver && leave(leaver, mesh);
      };
      const run = unwrap(await client.run({ ...hello, onProgress }));
      expect(run.agent.did).not.toBe(gone);
      const paid = at.executors.flatMap(({ vouchers }) => vouchers);
      expect(paid).toHaveLength(1);
      await worlds.end();
    }
  });

  test('an executor that refuses is passed over, and what it refused is not offered again', async () => {
    const at = await worlds.start({ work: { behaviour: { reject: { code: 'busy' } } } }, {});
    const orders = createMemoryOrders();
    const store = unclosed(createMemoryStore());
    const { client } = await worlds.connectToAll(at, { orders, store });
    for (let i = 0; i < 2; i++) unwrap(await client.run(hello));
    const offers = at.executors[0]?.offers.length;
    await worlds.endLast();
    await worlds.connect(at, { orders, store });
    expect(at.executors[0]?.offers.length).toBe(offers);
    expect(at.executors[1]?.runs).toHaveLength(2);
  });

  test('a lie is objected to before the ledger, through whoever leads there', async () => {
    const lie: Work = { behaviour: { lie: (r) => ({ ...r, gas: '900000000', price: '91000' }) } };
    const at = await worlds.start({ work: lie });
    const client = await worlds.connect(at);
    expect(await client.run(hello)).toMatchObject({ code: 'objected:gas-differs' });
    expect(at.edge.objections.map(({ body }) => body.reason)).toEqual(['gas-differs']);
    expect(at.executors[0]?.vouchers).toEqual([]);
  });

  test('a voucher that its executor does not take is left with the edge', async () => {
    const at = await worlds.start({ behaviour: { refusesVouchers: true } });
    const client = await worlds.connect(at);
    const { price, delivered } = unwrap(await client.run(hello));
    expect(delivered).toBe(true);
    expect(at.edge.vouchers.map(({ body }) => body.cum)).toEqual([String(price)]);
  });
});

/** Ends a node; resolves once another has seen the last of its connections to it close. */
async function leave(leaver: Mesh, other: Mesh): Promise<void> {
  const { promise: seen, resolve } = Promise.withResolvers<void>();
  const stopWatching = other.wire.watch({ down: (did) => did === leaver.did && resolve() });
  await leaver.stop();
  await seen;
  stopWatching();
}

/** A result of a task that somebody else was given. */
async function tellFalsely(stranger: MeshExecutor | undefined, task: string) {
  if (stranger === undefined) throw new Error('there is no stranger');
  const { envelope } = await receiptOf({ task, ch: task, lane: 1 }, stranger.executor.signer);
  const receipt = envelopeField.parse(envelope);
  return stranger.mesh.ask(caller.did, { type: 'task.result', body: { receipt } });
}

test('a node under another key than the caller’s is refused', async () => {
  const mesh = await testNode('somebody', TEST_NETWORK);
  worlds.stops.push(() => mesh.stop());
  expect(await connectMesh({ mesh, identity: caller })).toMatchObject({ code: 'identity-differs' });
});
