import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { forwardsTo, GatewayWorld, MESH } from '../../test-support/gateway-world.ts';
import { linkNode } from '../../test-support/linked-node.ts';
import {
  FORWARD_KEEP_MS,
  FORWARD_LATE_MS,
  FORWARDS_PER_GATEWAY_MAX,
  FORWARDS_PER_TARGET_MAX,
} from './limits.ts';

let world: GatewayWorld;
beforeEach(async () => {
  world = await GatewayWorld.create();
});
afterEach(() => world.edge.close());

describe('gateways', () => {
  test('that stay silent are blamed, and the message goes to others, three times in all', async () => {
    const gateways = await world.gateways(4);
    await world.offer();
    const turns: number[] = [];
    for (let turn = 0; turn < 6; turn++) {
      await world.settled(...gateways);
      turns.push(gateways.flatMap(forwardsTo).length);
      await world.passUntilLate(gateways);
      await world.edge.forwards.sweep();
    }
    expect(turns).toEqual([2, 4, 6, 6, 6, 6]);
    expect(new Set(gateways.slice().map((node) => forwardsTo(node).length > 0))).toEqual(
      new Set([true]),
    );
    const blamed = await world.rows(
      'SELECT SUM(tasks) AS n, MIN(failure_rate) AS rate FROM mesh_gateway',
    );
    expect(blamed).toMatchObject([{ n: 6n, rate: 1 }]);
  });

  test('are not blamed when the executor’s own link came back', async () => {
    await world.gateways(2);
    await world.offer();
    const bob = await linkNode(world.edge, world.edge.bob, MESH);
    await bob.session.settled();
    await bob.ack();
    await world.edge.pass(FORWARD_LATE_MS);
    await world.edge.forwards.sweep();
    expect(await world.rows('SELECT * FROM mesh_gateway')).toEqual([]);
  });

  test('that answer are preferred to those that do not', async () => {
    const gateways = await world.gateways(4);
    const good = gateways.slice(0, 2);
    for (let task = 0; task < 8; task++) {
      const pair = await world.offer();
      const word = await world.accepted(pair);
      await world.edge.pass(50);
      for (const node of good) {
        if (forwardsTo(node).some(({ body }) => isAbout(body, pair.id))) {
          await node.say('mesh.answer', word);
        }
      }
      await world.passUntilLate(gateways);
      await world.edge.directory.batch([
        {
          sql: `UPDATE task SET state = 'rejected', reject = '{}'
        WHERE state = 'offered'`,
          args: [],
        },
      ]);
      await world.edge.forwards.sweep();
    }
    const before = good.flatMap(forwardsTo).length;
    for (let task = 0; task < 4; task++) await world.offer();
    await world.settled(...gateways);
    expect(good.flatMap(forwardsTo).length - before).toBe(8);
  });

  test('that bring forged answers lose their good name; strangers have none to lose', async () => {
    const [gateway] = await world.gateways(1);
    const pair = await world.offer();
    const stranger = await linkNode(world.edge, world.edge.carol);
    const forged = await world.accepted(pair, world.edge.arbiter);
    expect(await stranger.say('mesh.answer', forged)).toBe('signer-missing');
    expect(await gateway?.say('mesh.answer', forged)).toBe('signer-missing');
    expect(await world.rows('SELECT did, failure_rate FROM mesh_gateway')).toEqual([
      { did: gateway?.did, failure_rate: 1 },
    ]);
  });

  test('and executors have a bounded number of messages under way', async () => {
    const gateways = await world.gateways(2);
    const tasks = FORWARDS_PER_TARGET_MAX / 2 + 3;
    for (let task = 0; task < tasks; task++) await world.offer();
    await world.settled(...gateways);
    expect(gateways.flatMap(forwardsTo)).toHaveLength(FORWARDS_PER_TARGET_MAX);
    const busy = Array.from({ length: FORWARDS_PER_GATEWAY_MAX }, (_, i) => ({
      sql: `INSERT INTO mesh_forward(target, db, seq, slot, gateway, about, tries, at)
            SELECT 'other', 'ledger', ?1, 0, did, 'x', 1, ?2 FROM presence
            WHERE mesh = 1 AND alive_until > ?2 AND did <> 'other'
            ORDER BY did LIMIT 1`,
      args: [i + 1, world.edge.now()],
    }));
    await world.edge.directory.batch([{ sql: 'DELETE FROM mesh_forward', args: [] }, ...busy]);
    const full = (await world.rows('SELECT DISTINCT gateway FROM mesh_forward'))[0]?.gateway;
    const count = () => world.rows(`SELECT 1 FROM outbox WHERE did = '${full}'`);
    const before = (await count()).length;
    await world.edge.forwards.look([world.edge.bob.did]);
    expect((await count()).length).toBe(before);
  });

  test('are forgotten with what they carried', async () => {
    await world.gateways(2);
    await world.offer();
    expect(await world.rows('SELECT * FROM mesh_forward')).toHaveLength(2);
    await world.edge.pass(FORWARD_KEEP_MS + FORWARD_LATE_MS);
    await world.edge.sweep();
    expect(await world.rows('SELECT * FROM mesh_forward')).toEqual([]);
  });
});

function isAbout(body: Record<string, unknown>, task: string): boolean {
  return JSON.stringify(body).includes(task);
}
