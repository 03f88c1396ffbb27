import { envelopeField } from '@zerostate/shared';
import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../client/connect.ts';
import type { ProgressEvent, Step } from '../client/progress.ts';
import { createMemoryOrders } from '../client/sent-orders.ts';
import type { Fetch } from '../ports.ts';
import { startEdge, TEST_NETWORK, type TestEdge } from '../testing/edge.ts';
import {
  type MeshBehaviour,
  type MeshExecutor,
  meshExecutor,
  seedOf,
  testNode,
} from '../testing/mesh-executor.ts';
import { receiptOf, signerOf, unwrap } from '../testing/parties.ts';
import { createMemoryStore } from '../wallet/memory-store.ts';
import type { WalletStore } from '../wallet/store.ts';
import { connectMesh, type MeshConnectOptions, type OwnNode } from './connect-mesh.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const caller = await signerOf('caller');
const hello = { query: 'say hello', budget: 1_000_000n, verify: 'always' } as const;

type Work = NonNullable<Parameters<typeof meshExecutor>[2]['work']>;

interface World {
  edge: TestEdge;
  executors: MeshExecutor[];
}

/** An edge, and executors of the mesh; each is a gateway to the edge unless `fetch` says otherwise. */
async function world(
  ...parties: { behaviour?: MeshBehaviour; work?: Work; fetch?: Fetch | null }[]
): Promise<World> {
  const edge = await startEdge([]);
  stops.push(edge.stop);
  const executors: MeshExecutor[] = [];
  for (const [i, { behaviour, work, fetch: carry = fetch }] of parties.entries()) {
    const bootstrap = executors.slice(0, 1).map(({ address }) => address);
    const executor = await meshExecutor(TEST_NETWORK, `executor ${i}`, {
      now: Date.now(),
      bootstrap,
      ...(behaviour === undefined ? {} : { behaviour }),
      ...(work === undefined ? {} : { work }),
      ...(carry === null ? {} : { gateway: { origin: edge.url, fetch: carry } }),
    });
    stops.push(executor.stop);
    executors.push(executor);
    edge.executors.push(executor.executor);
  }
  return { edge, executors };
}

type Given = Partial<MeshConnectOptions & OwnNode>;

async function tryConnect({ executors }: World, given: Given = {}) {
  const client = await connectMesh({
    seed: seedOf('caller'),
    bootstrap: executors.map(({ address }) => address),
    allowPrivate: true,
    network: TEST_NETWORK,
    ...given,
  });
  if (client.ok) stops.push(client.value.close);
  return client;
}

const connected = async (at: World, given: Given = {}) => unwrap(await tryConnect(at, given));

/** Paths that the edge was asked for. */
function asked({ edge }: World, part: string): string[] {
  return edge.seen
    .map(({ method, path }) => `${method} ${path}`)
    .filter((one) => one.includes(part));
}

describe('without an edge', () => {
  test('a job goes from words to a checked, paid result; the edge sees the ledger’s part alone', async () => {
    const at = await world({});
    const client = await connected(at);
    const steps: ProgressEvent[] = [];
    const { output, verified, delivered, price } = unwrap(
      await client.run({ ...hello, onProgress: (event) => steps.push(event) }),
    );
    expect(new TextDecoder().decode(output)).toBe('42');
    expect({ verified, delivered }).toEqual({ verified: true, delivered: true });
    expect(at.executors[0]?.vouchers).toEqual([{ lane: '1', cum: String(price) }]);
    expect(at.edge.vouchers).toEqual([]);
    for (const part of ['search', 'agents', '/tasks', 'vouchers'])
      expect(asked(at, part)).toEqual([]);
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
    const at = await world({ behaviour: { result: 'pushed' } });
    const client = await connected(at);
    unwrap(await client.run(hello));
    expect(at.executors[0]?.offers).toHaveLength(1);
  });

  test('a result that nobody pushes is asked for, and the task is run once', async () => {
    const at = await world({ behaviour: { result: 'asked' } });
    const client = await connected(at);
    unwrap(await client.run(hello));
    expect(at.executors[0]?.offers.length).toBeGreaterThan(1);
    expect(at.executors[0]?.runs).toHaveLength(1);
  });

  test.each(['pushed', 'asked'] as const)(
    'an output that follows its message arrives with a result that is %s',
    async (result) => {
      const at = await world({ behaviour: { result, outputFollows: true } });
      const client = await connected(at);
      const { output } = unwrap(await client.run(hello));
      expect(new TextDecoder().decode(output)).toBe('42');
    },
  );

  test('an output that is kept back is objected to, once the edge has not got it either', async () => {
    const at = await world({ work: { behaviour: { withholdOutput: true } } });
    const client = await connected(at);
    expect(await client.run(hello)).toMatchObject({ code: 'objected:output-missing' });
    expect(at.edge.objections.map(({ body }) => body.reason)).toEqual(['output-missing']);
  });

  test('a result that another node tells is not taken', async () => {
    const at = await world({ behaviour: { result: 'asked' } }, {});
    const client = await connected(at);
    const [executor, stranger] = at.executors;
    let told: unknown = null;
    const run = client.run({
      ...hello,
      agent: { did: executor?.executor.signer.did ?? '', agent: 'hello' },
      onProgress: ({ step, state, about }) => {
        if (step !== 'wait' || state !== 'started') return;
        const { task = '' } = about;
        void tellFalsely(stranger, task).then((answer) => {
          told = answer;
        });
      },
    });
    expect(unwrap(await run).agent.did).toBe(executor?.mesh.did);
    expect(told).toMatchObject({ ok: false, refusal: { code: 'task-unknown' } });
  });

  test('an agent that is named is found by its DID, through a node that is not its own', async () => {
    const at = await world({}, {});
    const client = await connected(at, { bootstrap: [at.executors[0]?.address ?? ''] });
    const { did } = at.executors[1]?.executor.signer ?? { did: '' };
    const run = unwrap(
      await client.run({ ...hello, query: undefined, agent: { did, agent: 'hello' } }),
    );
    expect(run.agent.did).toBe(did);
  });

  test('nobody with that capability, no such agent, nobody there: each has its code', async () => {
    const at = await world({});
    const client = await connected(at);
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
    expect(await tryConnect(at, { bootstrap: [dead] })).toMatchObject({ code: 'mesh-no-peers' });
    expect(await tryConnect(at, { bootstrap: [] })).toMatchObject({ code: 'bootstrap-missing' });
  });

  test('an executor that goes away before the task is sent is passed over for the next', async () => {
    for (const step of ['search', 'channel'] as const) {
      const at = await world({}, {});
      const client = await connected(at);
      let gone: string | undefined;
      const onProgress = ({ step: now, state, about }: ProgressEvent): void => {
        if (gone !== undefined || now !== step || state !== 'done') return;
        const first = at.executors.find(({ executor }) => executor.signer.did === about.executor);
        const leaver = first ?? at.executors[0];
        gone = leaver?.executor.signer.did;
        for (const { mesh } of at.executors) {
          if (mesh.did === gone) void mesh.stop();
        }
      };
      const run = unwrap(await client.run({ ...hello, onProgress }));
      expect(run.agent.did).not.toBe(gone);
      const paid = at.executors.flatMap(({ vouchers }) => vouchers);
      expect(paid).toHaveLength(1);
      for (const stop of stops.splice(0).reverse()) await stop();
    }
  });

  test('an executor that refuses is passed over, and what it refused is not offered again', async () => {
    const at = await world({ work: { behaviour: { reject: { code: 'busy' } } } }, {});
    const orders = createMemoryOrders();
    const store = unclosed(createMemoryStore());
    const client = await connected(at, { orders, store });
    for (let i = 0; i < 2; i++) unwrap(await client.run(hello));
    const offers = at.executors[0]?.offers.length;
    await stops.pop()?.();
    await connected(at, { orders, store });
    expect(at.executors[0]?.offers.length).toBe(offers);
    expect(at.executors[1]?.runs).toHaveLength(2);
  });

  test('a lie is objected to before the ledger, through whoever leads there', async () => {
    const lie: Work = { behaviour: { lie: (r) => ({ ...r, gas: '900000000', price: '91000' }) } };
    const at = await world({ work: lie });
    const client = await connected(at);
    expect(await client.run(hello)).toMatchObject({ code: 'objected:gas-differs' });
    expect(at.edge.objections.map(({ body }) => body.reason)).toEqual(['gas-differs']);
    expect(at.executors[0]?.vouchers).toEqual([]);
  });

  test('a voucher that its executor does not take is left with the edge', async () => {
    const at = await world({ behaviour: { refusesVouchers: true } });
    const client = await connected(at);
    const { price, delivered } = unwrap(await client.run(hello));
    expect(delivered).toBe(true);
    expect(at.edge.vouchers.map(({ body }) => body.cum)).toEqual([String(price)]);
  });
});

describe('a gateway', () => {
  const lies: [string, (path: string, response: Response) => Promise<Response> | Response][] = [
    [
      'more money than there is',
      async (path, response) => {
        if (!path.includes('/accounts/')) return response;
        const text = (await response.text()).replace('100000000', '900000000');
        return new Response(text, { status: response.status, headers: response.headers });
      },
    ],
    [
      'an answer without a signature',
      (path, response) => {
        if (!path.includes('/accounts/')) return response;
        const headers = new Headers(response.headers);
        headers.delete('signature');
        return new Response(response.body, { status: response.status, headers });
      },
    ],
    [
      'that something is not there',
      (path, response) =>
        path.includes('/accounts/')
          ? new Response(response.body, { status: 404, headers: response.headers })
          : response,
    ],
  ];
  test.each(lies)('that tells %s is found out, and another one is used', async (_, lie) => {
    const lied: string[] = [];
    const liar: Fetch = async (url, init) => {
      const response = await lie(url, await fetch(url, init));
      lied.push(url);
      return response;
    };
    const at = await world({ fetch: liar }, { fetch: null });
    const alone = await connected(at, { bootstrap: [at.executors[0]?.address ?? ''] });
    const { did } = caller;
    expect(await alone.edge.account(did)).toMatchObject({ code: 'edge-unreachable' });
    const once = lied.length;
    expect(await alone.edge.account(did)).toMatchObject({ code: 'edge-unreachable' });
    expect(lied.length).toBe(once);
    // An honest one comes: it is asked instead.
    const honest = await meshExecutor(TEST_NETWORK, 'honest', {
      now: Date.now(),
      gateway: { origin: at.edge.url, fetch },
    });
    stops.push(honest.stop);
    const both = await connected({ ...at, executors: [...at.executors, honest] });
    expect(unwrap(await both.edge.account(did)).available).toBe('100000000');
    const before = lied.length;
    expect((await both.edge.account(did)).ok).toBe(true);
    expect(lied.length).toBe(before);
  });

  test('cannot take an objection and say that the ledger has it', async () => {
    const lie: Work = { behaviour: { lie: (r) => ({ ...r, status: 'exit:1' }) } };
    const swallow: Fetch = async (url, init) =>
      url.includes('/objection') ? fetch(url.replace(/tasks.*/, 'network')) : fetch(url, init);
    const at = await world({ work: lie, fetch: swallow });
    const kept = { store: unclosed(createMemoryStore()), orders: createMemoryOrders() };
    const client = await connected(at, kept);
    expect(await client.run(hello)).toMatchObject({ code: 'objected:status-differs' });
    const [open] = await client.wallet.pending();
    expect(open).toMatchObject({ state: 'objected', delivered: false });
    // The next start has an edge: there the objection arrives.
    const recovered = unwrap(await connect(at.edge.url, caller, kept));
    stops.push(recovered.close);
    expect(recovered.recovered).toMatchObject([{ state: 'delivered' }]);
    expect(at.edge.objections).toHaveLength(1);
  });

  test('is found in the table when the node that one starts from is none', async () => {
    const at = await world({ fetch: null }, {});
    const [start] = at.executors;
    // The table knows of it a moment after it was started.
    for (;;) {
      const client = await tryConnect(at, { bootstrap: [start?.address ?? ''] });
      if (!client.ok) {
        expect(client.code).toBe('gateway-none');
        continue;
      }
      expect((await client.value.edge.account(caller.did)).ok).toBe(true);
      return;
    }
  });

  test('of another network is no gateway to this one', async () => {
    const at = await world({});
    const other = 'zs-bbbbbbbbbbbbbbbb';
    const failed = await tryConnect(at, { network: other });
    expect(failed).toMatchObject({
      ok: false,
      code: expect.stringMatching(/gateway-none|mesh-no/),
    });
  });

  test('tells a caller on its first use which network it is; the next time no other will do', async () => {
    const at = await world({});
    const first = await connected(at, { network: undefined });
    expect(first.network.network).toBe(TEST_NETWORK);
    await stops.pop()?.();
    await at.edge.stop();
    // With what is known, and a channel open, the ledger is not needed to connect.
    const second = await connected(at, { network: first.network });
    expect((await second.search({ text: 'hello' })).ok).toBe(true);
  });
});

describe('a caller that is killed', () => {
  /** A client whose process ends at this step: nothing after it happens. */
  async function killedAt(at: World, step: Step, state: 'started' | 'done', given: Given) {
    const client = await connected(at, given);
    const died = client.run({
      ...hello,
      onProgress: (event) => {
        if (event.step === step && event.state === state) throw new Error('killed');
      },
    });
    await expect(died).rejects.toThrow('killed');
    await stops.pop()?.();
  }

  const moments: [Step, 'started' | 'done'][] = [
    ['submit', 'started'],
    ['submit', 'done'],
    ['wait', 'done'],
    ['output', 'done'],
    ['verify', 'done'],
    ['pay', 'started'],
    ['pay', 'done'],
  ];
  const ways = ['mesh', 'edge'] as const;
  const cases = moments.flatMap(([step, state]) => ways.map((way) => [step, state, way] as const));

  test.each(cases)(
    'with its step %s %s pays what is due at its next start, by the %s, once',
    async (step, state, way) => {
      const at = await world({ behaviour: { result: 'pushed' } });
      const kept: { store: WalletStore; orders: ReturnType<typeof createMemoryOrders> } = {
        store: unclosed(createMemoryStore()),
        orders: createMemoryOrders(),
      };
      await killedAt(at, step, state, kept);
      const next =
        way === 'mesh'
          ? await connected(at, kept)
          : unwrap(await connect(at.edge.url, caller, kept));
      if (way === 'edge') stops.push(next.close);
      const vouchers = () => [
        ...(at.executors[0]?.vouchers ?? []),
        ...at.edge.vouchers.map(({ body }) => body),
      ];
      // Its executor is there: nobody else has to be asked what became of a task that was sent.
      if (way === 'mesh' && state === 'done') expect(asked(at, '/tasks')).toEqual([]);
      const runs = at.executors[0]?.runs.length ?? 0;
      expect(runs).toBeLessThanOrEqual(1);
      const totals = new Set(vouchers().map(({ lane, cum }) => `${lane} ${cum}`));
      // Signed and never sent: nobody works for it. Sent: it is paid, and only once.
      expect(totals.size).toBe(step === 'submit' && state === 'started' ? 0 : 1);
      const again = await next.recover();
      expect(again.filter(({ state: now }) => now === 'paid')).toEqual([]);
      expect(new Set(vouchers().map(({ lane, cum }) => `${lane} ${cum}`))).toEqual(totals);
    },
  );

  test('who offered through an edge is paid over the mesh', async () => {
    const at = await world({});
    const store = unclosed(createMemoryStore());
    const edge = unwrap(await connect(at.edge.url, caller, { store }));
    const died = edge.run({
      ...hello,
      onProgress: ({ step, state }) => {
        if (step === 'wait' && state === 'done') throw new Error('killed');
      },
    });
    await expect(died).rejects.toThrow('killed');
    await edge.close();
    const client = await connected(at, { store });
    expect(client.recovered).toMatchObject([{ state: 'paid' }]);
    expect(at.executors[0]?.vouchers).toHaveLength(1);
    // The edge's executor did it; nobody was asked to do it a second time.
    expect(at.executors[0]?.offers).toEqual([]);
  });
});

/** A result of a task that somebody else was given. */
async function tellFalsely(stranger: MeshExecutor | undefined, task: string) {
  if (stranger === undefined) throw new Error('there is no stranger');
  const { envelope } = await receiptOf({ task, ch: task, lane: 1 }, stranger.executor.signer);
  const receipt = envelopeField.parse(envelope);
  return stranger.mesh.ask(caller.did, { type: 'task.result', body: { receipt } });
}

/** A store that outlives the client that closes it, as a file does. */
function unclosed(store: WalletStore): WalletStore {
  return { ...store, close: async () => undefined };
}

test('a node under another key than the caller’s is refused', async () => {
  const mesh = await testNode('somebody', TEST_NETWORK);
  stops.push(() => mesh.stop());
  expect(await connectMesh({ mesh, identity: caller })).toMatchObject({ code: 'identity-differs' });
});
