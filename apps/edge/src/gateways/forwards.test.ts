import { cosign, idOf, type PaychVoucher, sealEnvelope } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { makeOpen } from '../../test-support/documents.ts';
import { forwardsTo, GatewayWorld, MESH } from '../../test-support/gateway-world.ts';
import { linkNode } from '../../test-support/linked-node.ts';
import { FORWARD_AGE_MS_MAX, FORWARD_LATE_MS } from './limits.ts';

let world: GatewayWorld;
beforeEach(async () => {
  world = await GatewayWorld.create();
});
afterEach(() => world.edge.close());

describe('an offer to an executor without a link', () => {
  test('goes to two gateways and no more, and stays in its own outbox', async () => {
    const gateways = await world.gateways(5);
    const pair = await world.offer();
    await world.edge.forwards.look([world.edge.bob.did]);
    await world.edge.forwards.sweep();
    await world.settled(...gateways);
    const told = gateways.flatMap(forwardsTo);
    expect(told).toHaveLength(2);
    expect(told[0]?.body).toMatchObject({
      to: world.edge.bob.did,
      type: 'task.offer',
      body: { manifest: pair.manifest, cond: pair.cond, input: expect.any(String) },
    });
    expect(await world.waiting(world.edge.bob.did)).toMatchObject([{ type: 'task.offer' }]);
  });

  test('is carried by nodes that said so, and by nobody who did not', async () => {
    const plain = await linkNode(world.edge, world.edge.carol);
    await world.offer();
    await world.settled(plain);
    expect(forwardsTo(plain)).toEqual([]);
    const [gateway] = await world.gateways(1);
    await world.edge.forwards.sweep();
    if (gateway === undefined) throw new Error('no gateway');
    await world.settled(gateway);
    expect(forwardsTo(gateway)).toHaveLength(1);
  });

  test('is not carried to one that is linked, here or at another worker', async () => {
    const gateways = await world.gateways(2);
    const bob = await linkNode(world.edge, world.edge.bob, MESH);
    await world.offer();
    await world.settled(bob, ...gateways);
    expect(bob.messages().map(({ type }) => type)).toContain('task.offer');
    const other = world.workerBeside();
    other.wake(world.edge.bob.did);
    await other.forwarded();
    expect(gateways.flatMap(forwardsTo)).toEqual([]);
  });

  test('is not carried to one that is not in the mesh', async () => {
    const gateways = await world.gateways(2);
    const plain = await linkNode(world.edge, world.edge.bob);
    await plain.drop();
    await world.offer();
    await world.settled(...gateways);
    expect(gateways.flatMap(forwardsTo)).toEqual([]);
  });

  test('is handed over when the link ends before its acknowledgement', async () => {
    const gateways = await world.gateways(2);
    const bob = await linkNode(world.edge, world.edge.bob, MESH);
    await world.offer();
    await world.settled(bob, ...gateways);
    expect(gateways.flatMap(forwardsTo)).toEqual([]);
    await bob.drop();
    await world.settled(...gateways);
    expect(gateways.flatMap(forwardsTo)).toHaveLength(2);
  });

  test('is handed over after its worker died with the link', async () => {
    const gateways = await world.gateways(2);
    await linkNode(world.edge, world.edge.bob, MESH);
    await world.offer();

    await world.edge.directory.batch([
      { sql: 'UPDATE presence SET alive_until = 1 WHERE did = ?1', args: [world.edge.bob.did] },
    ]);
    await world.edge.forwards.sweep();
    await world.settled(...gateways);
    expect(gateways.flatMap(forwardsTo)).toHaveLength(2);
  });

  test('that two workers see at once goes to two gateways all the same', async () => {
    await world.gateways(5);
    await world.offer();
    await world.edge.directory.batch([{ sql: 'DELETE FROM mesh_forward', args: [] }]);
    const before = (await world.rows(`SELECT * FROM outbox WHERE type = 'mesh.forward'`)).length;
    const workers = Array.from({ length: 4 }, () => world.forwardsBeside());
    await Promise.all(workers.map((worker) => worker.look([world.edge.bob.did])));
    expect(await world.rows('SELECT * FROM mesh_forward')).toHaveLength(2);
    const after = (await world.rows(`SELECT * FROM outbox WHERE type = 'mesh.forward'`)).length;
    expect(after - before).toBe(2);
  });

  test('is not passed on once more when its gateway loses its link', async () => {
    const [first] = await world.gateways(1);
    await world.offer();
    if (first === undefined) throw new Error('no gateway');
    await first.drop();
    const second = await linkNode(world.edge, world.edge.carol, MESH);
    await world.edge.forwards.sweep();
    await world.settled(second);
    // Bob's offer has a second place; the first gateway's own outbox is none of the second's.
    expect(forwardsTo(second)).toHaveLength(1);
    expect(forwardsTo(second)[0]?.body).toMatchObject({ to: world.edge.bob.did });
  });

  test('that is old, over or answered for is left alone', async () => {
    const old = await world.offer();
    await world.edge.pass(FORWARD_AGE_MS_MAX + 1);
    const gateways = await world.gateways(2);
    await world.edge.forwards.sweep();
    const rejected = await world.offer();
    await world.settled(...gateways);
    await world.edge.links.handler.handle(world.edge.bob.did, 'task.reject', {
      task: rejected.id,
      code: 'x',
    });
    await world.edge.directory.batch([{ sql: 'DELETE FROM mesh_forward', args: [] }]);
    await world.edge.forwards.sweep();
    await world.settled(...gateways);
    const told = gateways.flatMap(forwardsTo).map(({ body }) => JSON.stringify(body));
    expect(told).toHaveLength(2);
    expect(told.some((text) => text.includes(old.id))).toBe(false);
  });
});

describe('other messages', () => {
  test('a proposal that is answered goes to nobody else', async () => {
    const first = await world.gateway();
    const { network, alice, bob } = world.edge;
    const { open } = await makeOpen(network, alice, bob, { now: world.edge.now() });
    const half = { ...open, sigs: open.sigs.filter(({ by }) => by === alice.did) };
    await world.edge.ledger.openChannel(half, null);
    await world.settled(first);
    const body = { kind: 'open', envelope: await cosign(network, half, bob) };
    const answer = { from: bob.did, type: 'channel.accept', body };
    expect(await first.say('mesh.answer', answer)).toBeNull();
    const second = await linkNode(world.edge, world.edge.carol, MESH);
    await world.edge.forwards.sweep();
    await world.settled(second);
    expect(forwardsTo(second)).toEqual([]);
  });

  test('a proposal is carried, and its second signature opens the channel', async () => {
    const gateways = await world.gateways(2);
    const { network, alice, bob } = world.edge;
    const { open } = await makeOpen(network, alice, bob, { now: world.edge.now() });
    const half = { ...open, sigs: open.sigs.filter(({ by }) => by === alice.did) };
    expect(await world.edge.ledger.openChannel(half, null)).toMatchObject({ ok: true });
    await world.settled(...gateways);
    const [told] = gateways.flatMap(forwardsTo);
    expect(told?.body).toMatchObject({ type: 'channel.proposal', body: { kind: 'open' } });
    const answer = (envelope: object) => ({
      from: bob.did,
      type: 'channel.accept',
      body: { kind: 'open', envelope },
    });
    const [first, second] = gateways;
    expect(await first?.say('mesh.answer', answer(half))).toBe('signer-missing');
    const signed = await cosign(network, half, bob);
    expect(await first?.say('mesh.answer', answer(signed))).toBeNull();
    const ch = idOf(network, 'paych.open', open.body);
    expect(await world.edge.ledger.channelView(ch)).toMatchObject({ state: 'active' });
    expect(await second?.say('mesh.answer', answer(signed))).toBe('answer-repeated');
  });

  test('of a lane the newest voucher is carried, and nobody is blamed for no answer', async () => {
    const { network, alice } = world.edge;
    const voucher = async (cum: string) => {
      const body: PaychVoucher = { ...world.channel, lane: '0', cum, memo: '' };
      return sealEnvelope(network, 'paych.voucher', body, alice);
    };
    for (const cum of ['10', '20']) {
      expect(await world.edge.ledger.depositVoucher(await voucher(cum))).toMatchObject({
        ok: true,
      });
    }
    const gateways = await world.gateways(2);
    await world.edge.forwards.sweep();
    await world.settled(...gateways);
    const told = gateways.flatMap(forwardsTo);
    expect(told).toHaveLength(2);
    expect(told[0]?.body).toMatchObject({ body: { voucher: { body: { cum: '20' } } } });
    await world.edge.pass(FORWARD_LATE_MS);
    await world.edge.forwards.sweep();
    expect(await world.rows('SELECT * FROM mesh_gateway')).toEqual([]);
  });
});
