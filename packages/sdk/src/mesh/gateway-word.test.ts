import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../client/connect.ts';
import { createMemoryOrders } from '../client/sent-orders.ts';
import type { Fetch } from '../ports.ts';
import { TEST_NETWORK } from '../testing/edge.ts';
import { meshExecutor } from '../testing/mesh-executor.ts';
import { caller, MeshWorlds, unclosed, type Work } from '../testing/mesh-world.ts';
import { unwrap } from '../testing/parties.ts';
import { createMemoryStore } from '../wallet/memory-store.ts';

const worlds = new MeshWorlds();
afterEach(() => worlds.end());

const hello = { query: 'say hello', budget: 1_000_000n, verify: 'always' } as const;

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
      // What the network is, it says truly: that may be asked of it at any time.
      if (url.includes('/accounts/')) lied.push(url);
      return response;
    };
    const at = await worlds.start({ fetch: liar }, { fetch: null });
    const alone = await worlds.connect(at, { bootstrap: [at.executors[0]?.address ?? ''] });
    const { did } = caller;
    expect(await alone.edge.account(did)).toMatchObject({ code: 'edge-unreachable' });
    const once = lied.length;
    expect(await alone.edge.account(did)).toMatchObject({ code: 'edge-unreachable' });
    expect(lied.length).toBe(once);
    await worlds.endLast();
    // An honest one comes: it is asked instead.
    const honest = await meshExecutor(TEST_NETWORK, 'honest', {
      now: Date.now(),
      gateway: { origin: at.edge.url, fetch },
    });
    worlds.stops.push(honest.stop);
    const both = await worlds.connect({ ...at, executors: [...at.executors, honest] });
    // It is connected a moment after the first of them.
    let told = await both.edge.account(did);
    while (!told.ok) told = await both.edge.account(did);
    expect(told.value.available).toBe('100000000');
    const before = lied.length;
    expect((await both.edge.account(did)).ok).toBe(true);
    expect(lied.length).toBe(before);
  });

  test('cannot take an objection and say that the ledger has it', async () => {
    const lie: Work = { behaviour: { lie: (r) => ({ ...r, status: 'exit:1' }) } };
    const swallow: Fetch = async (url, init) =>
      url.includes('/objection') ? fetch(url.replace(/tasks.*/, 'network')) : fetch(url, init);
    const at = await worlds.start({ work: lie, fetch: swallow });
    const kept = { store: unclosed(createMemoryStore()), orders: createMemoryOrders() };
    const client = await worlds.connect(at, kept);
    expect(await client.run(hello)).toMatchObject({ code: 'objected:status-differs' });
    const [open] = await client.wallet.pending();
    expect(open).toMatchObject({ state: 'objected', delivered: false });
    // The next start has an edge: there the objection arrives.
    const recovered = unwrap(await connect(at.edge.url, caller, kept));
    worlds.stops.push(recovered.close);
    expect(recovered.recovered).toMatchObject([{ state: 'delivered' }]);
    expect(at.edge.objections).toHaveLength(1);
  });

  test('is found in the table when the node that one starts from is none', async () => {
    const at = await worlds.start({ fetch: null }, {});
    const [start] = at.executors;
    // The table knows of it a moment after it was started.
    for (;;) {
      const client = await worlds.tryConnect(at, { bootstrap: [start?.address ?? ''] });
      if (!client.ok) {
        expect(client.code).toMatch(/^(gateway-none|mesh-no-peers)$/);
        continue;
      }
      expect((await client.value.edge.account(caller.did)).ok).toBe(true);
      return;
    }
  });

  test('of another network is no gateway to this one', async () => {
    const at = await worlds.start({});
    const other = 'zs-bbbbbbbbbbbbbbbb';
    const failed = await worlds.tryConnect(at, { network: other });
    expect(failed).toMatchObject({
      ok: false,
      code: expect.stringMatching(/gateway-none|mesh-no/),
    });
  });

  test('tells a caller on its first use which network it is; the next time no other will do', async () => {
    const at = await worlds.start({});
    const first = await worlds.connect(at, { network: undefined });
    expect(first.network.network).toBe(TEST_NETWORK);
    await worlds.endLast();
    await at.edge.stop();
    // With what is known, and a channel open, the ledger is not needed to connect.
    const second = await worlds.connect(at, { network: first.network });
    expect((await second.search({ text: 'hello' })).ok).toBe(true);
  });
});
