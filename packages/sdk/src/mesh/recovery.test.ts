import { afterEach, describe, expect, test } from 'vitest';
import { connect } from '../client/connect.ts';
import type { Step } from '../client/progress.ts';
import type { RunOptions } from '../client/run-model.ts';
import { createMemoryOrders } from '../client/sent-orders.ts';
import { askedOf, caller, type MeshWorld, MeshWorlds, unclosed } from '../testing/mesh-world.ts';
import { unwrap } from '../testing/parties.ts';
import { createMemoryStore } from '../wallet/memory-store.ts';
import type { WalletStore } from '../wallet/store.ts';

const worlds = new MeshWorlds();
afterEach(() => worlds.end());

const hello = { query: 'say hello', budget: 1_000_000n, verify: 'always' } as const;

describe('a caller that is killed', () => {
  /** A client whose process ends at this step: nothing after it happens. */
  async function killedAt(
    at: MeshWorld,
    { step, state }: { step: Step; state: 'started' | 'done' },
    given: Parameters<MeshWorlds['connect']>[1],
    wanted: Pick<RunOptions, 'agent'> = {},
  ) {
    const client = await worlds.connect(at, given);
    const died = client.run({
      ...hello,
      ...wanted,
      onProgress: (event) => {
        if (event.step === step && event.state === state) throw new Error('killed');
      },
    });
    await expect(died).rejects.toThrow('killed');
    await worlds.endLast();
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
      const at = await worlds.start({ behaviour: { result: 'pushed' } });
      const kept: { store: WalletStore; orders: ReturnType<typeof createMemoryOrders> } = {
        store: unclosed(createMemoryStore()),
        orders: createMemoryOrders(),
      };
      await killedAt(at, { step, state }, kept);
      const next =
        way === 'mesh'
          ? await worlds.connect(at, kept)
          : unwrap(await connect(at.edge.url, caller, kept));
      if (way === 'edge') worlds.stops.push(next.close);
      const vouchers = () => [
        ...(at.executors[0]?.vouchers ?? []),
        ...at.edge.vouchers.map(({ body }) => body),
      ];
      // Its executor is there: nobody else has to be asked what became of a task that was sent.
      if (way === 'mesh' && state === 'done') expect(askedOf(at, '/tasks')).toEqual([]);
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

  test('pays an executor that has left the mesh through the edge, where it was handed over', async () => {
    const at = await worlds.start({ behaviour: { result: 'pushed' } }, {});
    const [executor, gateway] = at.executors;
    if (executor === undefined || gateway === undefined) throw new Error('two are needed');
    const kept = { store: unclosed(createMemoryStore()), orders: createMemoryOrders() };
    const agent = { did: executor.mesh.did, agent: 'hello' };
    await killedAt(at, { step: 'wait', state: 'done' }, kept, { agent });
    await executor.stop();
    const next = await worlds.connect({ ...at, executors: [gateway] }, kept);
    expect(next.recovered).toMatchObject([{ state: 'paid' }]);
    expect(at.edge.vouchers).toHaveLength(1);
    expect([...executor.vouchers, ...gateway.vouchers]).toEqual([]);
  });

  test('who offered through an edge is paid over the mesh', async () => {
    const at = await worlds.start({});
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
    const client = await worlds.connect(at, { store });
    expect(client.recovered).toMatchObject([{ state: 'paid' }]);
    expect(at.executors[0]?.vouchers).toHaveLength(1);
    // The edge's executor did it; nobody was asked to do it a second time.
    expect(at.executors[0]?.offers).toEqual([]);
  });
});
