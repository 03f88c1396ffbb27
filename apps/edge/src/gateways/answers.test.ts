import { encodeBase64url, type Signer } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeAccept, type TaskPair } from '../../test-support/documents.ts';
import { GatewayWorld, gatewayKeys, MESH, OUTPUT } from '../../test-support/gateway-world.ts';
import { linkNode } from '../../test-support/linked-node.ts';
import { noMetrics } from '../adapters/metrics-none.ts';
import { acceptTask } from '../tasks/progress.ts';
import { takeAnswer } from './answers.ts';

let world: GatewayWorld;
beforeEach(async () => {
  world = await GatewayWorld.create();
});
afterEach(() => world.edge.close());

describe('an answer through a gateway', () => {
  test('is taken like the executor’s own, from the accept to the receipt', async () => {
    const [first, second] = await world.gateways(2);
    const pair = await world.offer();
    expect(await first?.say('mesh.answer', await world.accepted(pair))).toBeNull();
    expect(await world.stateOf(pair)).toBe('accepted');
    const waits = world.edge.call('GET', `/v1/tasks/${pair.id}?wait=30`, {
      signer: world.edge.alice,
    });
    const done = await world.result(pair);
    expect(await second?.say('mesh.answer', done)).toBeNull();
    expect(await (await waits).json()).toMatchObject({
      state: 'done',
      receipt: done.body.receipt,
      output: encodeBase64url(OUTPUT),
    });
  });

  test('again is refused by name and changes nothing', async () => {
    const [first, second] = await world.gateways(2);
    const pair = await world.offer();
    const word = await world.accepted(pair);
    await first?.say('mesh.answer', word);
    expect(await second?.say('mesh.answer', word)).toBe('answer-repeated');
    const done = await world.result(pair);
    await second?.say('mesh.answer', done);
    expect(await first?.say('mesh.answer', done)).toBe('answer-repeated');
    expect(await first?.say('mesh.answer', word)).toBe('answer-repeated');
    expect(await world.stateOf(pair)).toBe('done');
  });

  test('then comes by the executor’s own link as well: it runs and counts once', async () => {
    const [first] = await world.gateways(1);
    const pair = await world.offer();
    const [word, done] = [await world.accepted(pair), await world.result(pair)];
    await first?.say('mesh.answer', word);
    await first?.say('mesh.answer', done);
    const bob = await linkNode(world.edge, world.edge.bob, MESH);
    await bob.session.settled();
    expect(bob.messages().map(({ type }) => type)).toContain('task.offer');
    expect(await bob.say('task.accept', word.body)).toBeNull();
    expect(await bob.say('task.result', done.body)).toBeNull();
    await bob.ack();
    expect(await world.waiting(world.edge.bob.did)).toEqual([]);
    expect(await world.rows('SELECT * FROM task_equivocation')).toEqual([]);
  });

  test.each<[string, string, (pair: TaskPair, gateway: Signer) => Promise<object>]>([
    ['signed by the gateway', 'signer-missing', (pair, gateway) => world.accepted(pair, gateway)],
    [
      'with another’s name under it',
      'signature-invalid',
      async (pair, gateway) => {
        const word = await world.accepted(pair, gateway);
        const { accept } = word.body;
        const sigs = accept.sigs.map((sig) => ({ ...sig, by: world.edge.bob.did }));
        return { ...word, body: { accept: { ...accept, sigs } } };
      },
    ],
    [
      'of another network',
      'signature-invalid',
      async (pair) => {
        const body = await makeAccept(
          'zs-aaaaaaaaaaaaaaaa',
          world.edge.bob,
          pair,
          world.edge.now() + 9_000,
        );
        return { from: world.edge.bob.did, type: 'task.accept', body };
      },
    ],
    [
      'for the gateway’s own task',
      'forbidden',
      async (pair, gateway) => ({ ...(await world.accepted(pair, gateway)), from: gateway.did }),
    ],
    [
      'about a task that nobody knows',
      'task-unknown',
      (pair) => world.accepted({ ...pair, id: 'A'.repeat(43) }),
    ],
    ['that skips the accept', 'task-state', (pair) => world.result(pair)],
    [
      'of another shape',
      'invalid-request',
      async () => ({ from: world.edge.bob.did, type: 'task.reject', body: {} }),
    ],
  ])('%s is refused', async (_, code, make) => {
    const [signer] = await gatewayKeys(1);
    const [gateway] = await world.gateways(1);
    const pair = await world.offer();
    if (signer === undefined) throw new Error('no gateway');
    expect(await gateway?.say('mesh.answer', await make(pair, signer))).toBe(code);
    expect(await world.stateOf(pair)).toBe('offered');
  });

  test('is for others: an executor’s own words go by their own message', async () => {
    const pair = await world.offer();
    const bob = await linkNode(world.edge, world.edge.bob, MESH);
    expect(await bob.say('mesh.answer', await world.accepted(pair))).toBe('forbidden');
    expect(await world.stateOf(pair)).toBe('offered');
  });

  test('that names a stranger as its author touches nobody else’s task', async () => {
    const [gateway] = await world.gateways(1);
    const pair = await world.offer();
    const body = await makeAccept(
      world.edge.network,
      world.edge.carol,
      pair,
      world.edge.now() + 9_000,
    );
    const word = { from: world.edge.carol.did, type: 'task.accept', body };
    expect(await gateway?.say('mesh.answer', word)).toBe('forbidden');
    expect(await world.stateOf(pair)).toBe('offered');
  });

  test('is counted by what became of it', async () => {
    const counted: unknown[] = [];
    const metrics = { ...noMetrics, count: (...args: unknown[]) => counted.push(args) };
    const { tasks } = world.edge;
    const unused = () => Promise.reject(new Error('another message'));
    const takers = {
      'task.accept': (from: string, body: Parameters<typeof acceptTask>[2]) =>
        acceptTask(tasks, from, body),
      'task.result': unused,
      'channel.accept': unused,
    };
    const pair = await world.offer();
    const take = async (by: Signer) => {
      const { body } = await world.accepted(pair, by);
      const answer = { from: world.edge.bob.did, type: 'task.accept', body } as const;
      await takeAnswer({ ...world.edge.links, metrics, takers }, world.edge.carol.did, answer);
    };
    for (const by of [world.edge.carol, world.edge.bob, world.edge.bob]) await take(by);
    expect(counted).toEqual(
      ['signer-missing', 'ok', 'answer-repeated'].map((code) => [
        'zs_mesh_answers_total',
        { type: 'task.accept', code },
      ]),
    );
  });

  test('with a second receipt is refused, and both are kept', async () => {
    const [gateway] = await world.gateways(1);
    const pair = await world.offer();
    await gateway?.say('mesh.answer', await world.accepted(pair));
    await gateway?.say('mesh.answer', await world.result(pair));
    const other = await world.result(pair, { gas: '1' });
    expect(await gateway?.say('mesh.answer', other)).toBe('receipt-equivocation');
    expect(await world.rows('SELECT * FROM task_equivocation')).toHaveLength(1);
  });
});
