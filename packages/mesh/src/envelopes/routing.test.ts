import { utf8 } from '@zerostate/shared';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { encodeFrame } from '../frames.ts';
import type { Mesh } from '../node.ts';
import { readWholeAnswer } from '../tasks/exchange.ts';
import type { Message } from '../tasks/message.ts';
import { systemPorts, until } from '../testing/adapters/system.ts';
import { chain, meshOf, settled } from '../testing/chains.ts';
import { addressOf, TestMesh } from '../testing/nodes.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

const task = 'A'.repeat(43);
const cancel: Message = { type: 'task.cancel', body: { task } };
const progress: Message = { type: 'task.progress', body: { task, gas: '7' } };

/** Nodes of a mesh, the first and the last apart. */
async function world(edges: readonly (readonly [number, number])[], hops: number) {
  const size = 1 + Math.max(...edges.flat());
  const seeds = Array.from({ length: size }, () => mesh.seed());
  const nodes = await meshOf(mesh, edges, seeds);
  const [first, last] = [nodes[0], nodes[size - 1]];
  if (first === undefined || last === undefined) throw new Error('no nodes');
  await settled(first, last.did, hops);
  await settled(last, first.did, hops);
  return { nodes, seeds, first, last };
}

function answerWith(node: Mesh, message: Message | null, seen: string[] = []): string[] {
  node.tasks.handle('task.cancel', async ({ from, body }) => {
    seen.push(from);
    return { ok: true, value: { message, body: body.toReversed() } };
  });
  return seen;
}

describe('a question to a node without a connection', () => {
  test('crosses three hops with its body, knows its author, and its answer comes back', async () => {
    const { nodes, first, last } = await world(chain(4), 3);
    const seen = answerWith(last, progress);
    const body = new Uint8Array(1_000_000).map((_, at) => at % 251);
    const answered = await first.ask(last.did, cancel, { body, withinMs: 60_000 });
    if (!answered.ok) throw new Error(answered.code);
    expect(answered.value.message).toEqual(progress);
    expect(Buffer.compare(answered.value.body, body.toReversed())).toBe(0);
    expect(seen).toEqual([first.did]);
    expect(first.wire.isConnected(last.did)).toBe(false);
    for (const node of nodes.slice(1, 3)) {
      await until(() => node.counters.of('route-forwarded') >= 2);
    }
    const [account] = last.tasks.accounts.top(1);
    expect(account).toMatchObject({ did: first.did, messagesIn: 1 });
  });

  test('whom nobody knows, or who is too far, fails at once and says why', async () => {
    const { first, last } = await world(chain(10), 9);
    const stranger = await mesh.didOf(mesh.seed());
    const unknown = await first.ask(stranger, cancel, { withinMs: 60_000 });
    expect(unknown).toMatchObject({ ok: false, code: 'no-route' });
    const far = await first.ask(last.did, cancel, { withinMs: 60_000 });
    expect(far).toMatchObject({ ok: false, code: 'hops-exhausted' });
    expect(first.routes(last.did).destinations[0]).toMatchObject({ hops: 9, why: 'too-far' });
    const seen = answerWith(last, null);
    expect(await last.ask(first.did, cancel)).toMatchObject({ code: 'hops-exhausted' });
    expect(seen).toEqual([]);
  });

  test('is answered while a node in the middle dies, and again after it', async () => {
    // Two ways, by 1 or by 2 and 3; the first dies.
    const ways = [
      [0, 1],
      [1, 4],
      [0, 2],
      [2, 3],
      [3, 4],
    ] as const;
    const { nodes, first, last } = await world(ways, 2);
    const hopsBy = (from: Mesh, to: Mesh, by: Mesh | undefined) =>
      from.routes(to.did).destinations[0]?.candidates.find(({ did }) => did === by?.did)?.hops;
    await until(() => hopsBy(first, last, nodes[2]) === 2 && hopsBy(last, first, nodes[3]) === 2);
    let die: () => void = () => undefined;
    const isDead = new Promise<void>((resolve) => {
      die = resolve;
    });
    let asked = 0;
    last.tasks.handle('task.cancel', async () => {
      asked += 1;
      await isDead;
      return { ok: true, value: { message: progress } };
    });
    const options = { withinMs: 60_000 };
    const asks = Array.from({ length: 10 }, () => first.ask(last.did, cancel, options));
    await until(() => asked === 10);
    await nodes[1]?.stop();
    die();
    for (const answered of await Promise.all(asks)) expect(answered).toMatchObject({ ok: true });
    expect(await first.ask(last.did, cancel, options)).toMatchObject({ ok: true });
    await settled(first, last.did, 3);
    expect(asked).toBe(11);
    await until(() => (nodes[2]?.counters.of('route-forwarded') ?? 0) > 0);
  });

  test('whose connection breaks goes on by a route, and runs once', async () => {
    const triangle = [...chain(3), [0, 2]] as const;
    const { nodes, first, last } = await world(triangle, 1);
    const by = nodes[1]?.did;
    const claims = () => first.routes(last.did).destinations[0]?.candidates ?? [];
    await until(() => claims().find(({ did }) => did === by)?.hops === 1);
    let runs = 0;
    last.tasks.handle('task.cancel', async () => {
      runs += 1;
      const direct = first.wire.connections().filter(({ did }) => did === last.did);
      for (const { id } of direct) first.wire.condemn(id);
      return { ok: true, value: { message: progress } };
    });
    const answered = await first.ask(last.did, cancel);
    expect(answered).toMatchObject({ ok: true, value: { message: progress } });
    expect(runs).toBe(1);
    await until(() => (nodes[1]?.counters.of('route-forwarded') ?? 0) > 0);
  });

  test('runs once, whichever ways it came', async () => {
    const { first, last } = await world(chain(3), 2);
    const seen = answerWith(last, progress);
    // Within half of this time it is not asked again by itself.
    const options = { key: 'K'.repeat(22), withinMs: 60_000 };
    for (let again = 0; again < 3; again++) {
      expect(await first.ask(last.did, cancel, options)).toMatchObject({ ok: true });
    }
    expect(seen).toHaveLength(1);
    expect(last.counters.of('tasks-repeated')).toBe(2);
    const other: Message = { type: 'task.cancel', body: { task: `${'B'.repeat(42)}A` } };
    const reused = await first.ask(last.did, other, options);
    expect(reused).toMatchObject({ refusal: { code: 'key-reused' } });
  });
});

test('the content of an envelope is an error, never a throw, whatever its author put in', async () => {
  const node = await mesh.node();
  const frame = fc.uint8Array().map((bytes) => encodeFrame(bytes));
  const junk = fc.oneof(
    fc.uint8Array(),
    frame,
    fc.json().map((json) => encodeFrame(utf8(json))),
  );
  await fc.assert(
    fc.asyncProperty(junk, async (bytes) => {
      const { signal } = new AbortController();
      const whole = await node.tasks.takeWhole('did:key:stranger', bytes, signal);
      expect(await readWholeAnswer(whole.bytes)).toMatchObject({ ok: false, code: 'refused' });
      expect((await readWholeAnswer(bytes)).ok).toBe(false);
    }),
  );
});

describe('what a node learned of the ways', () => {
  test('says why the next hop is the next', async () => {
    const { first, last, nodes } = await world(chain(3), 2);
    answerWith(last, null);
    await first.ask(last.did, cancel);
    const table = first.routes();
    expect(table.self).toBe(first.did);
    expect(table.destinations.map(({ hops, why }) => [hops, why])).toEqual([
      [1, 'neighbour'],
      [2, 'only-way'],
    ]);
    const route = table.destinations[1];
    expect(route).toMatchObject({ did: last.did, next: nodes[1]?.did });
    expect(route?.candidates[0]).toMatchObject({ hops: 1, why: 'next' });
    expect(route?.candidates[0]?.estimatedMs).toBeGreaterThan(0);
    expect(table.neighbours).toMatchObject([{ did: nodes[1]?.did, isAlive: true }]);
    expect(first.status().routing).toMatchObject({ neighbours: 1, reachable: 2 });
  });

  test('survives a restart', async () => {
    const saved: { state: unknown } = { state: null };
    const routerMemory = {
      load: async () => saved.state,
      save: async (state: unknown) => {
        saved.state = JSON.parse(JSON.stringify(state));
      },
    };
    const [middle, end] = [await mesh.node(), await mesh.node()];
    await middle.connect(addressOf(end));
    const seed = mesh.seed();
    const ports = { ...systemPorts(), routerMemory };
    const estimate = (node: Mesh) =>
      node.routes(end.did).destinations[0]?.candidates[0]?.estimatedMs ?? 0;
    const before = await mesh.node({ members: [middle.did] }, { seed, ports });
    await before.connect(addressOf(middle));
    await settled(before, end.did, 2);
    answerWith(end, null);
    const floor = estimate(before);
    for (let asks = 0; asks < 5; asks++) await before.ask(end.did, cancel);
    await until(() => estimate(before) !== floor);
    const learned = estimate(before);
    await before.stop();
    expect(saved.state).toMatchObject({ version: 1, neighbours: [{ peer: middle.did }] });
    const after = await mesh.node({ members: [middle.did] }, { seed, ports });
    await after.connect(addressOf(middle));
    await settled(after, end.did, 2);
    expect(estimate(after)).toBe(learned);
  });

  test('is news to others again, even when its clock went back', async () => {
    const [middle, end] = [await mesh.node(), await mesh.node()];
    await middle.connect(addressOf(end));
    const seed = mesh.seed();
    const before = await mesh.node({ members: [middle.did] }, { seed });
    await before.connect(addressOf(middle));
    await settled(end, before.did, 2);
    await before.stop();
    await until(() => end.routes(before.did).destinations[0]?.hops === null);
    const clock = { now: () => Date.now() - 86_400_000 };
    const ports = { ...systemPorts(), clock };
    const after = await mesh.node({ members: [middle.did] }, { seed, ports });
    await after.connect(addressOf(middle));
    await settled(end, after.did, 2);
    expect(await end.ask(after.did, cancel)).toMatchObject({ ok: false, code: 'envelope-early' });
  });
});
