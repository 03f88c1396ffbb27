import { createSigner, type Signer, utf8 } from '@zerostate/shared';
import { afterEach, describe, expect, test } from 'vitest';
import { REPUBLISH_SOON_MS } from '../limits.ts';
import type { Mesh } from '../node.ts';
import type { MeshConfig } from '../options.ts';
import { eventually, systemPorts, until } from '../testing/adapters/system.ts';
import { agentCard, author, signedCard } from '../testing/cards.ts';
import { addressOf, NETWORK, TestMesh } from '../testing/nodes.ts';
import { cardKey, encodeCard } from './card-value.ts';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

async function executor(
  bootstrap: string,
  config: Partial<MeshConfig> = {},
): Promise<{ node: Mesh; signer: Signer }> {
  const seed = mesh.seed();
  const node = await mesh.node({ bootstrap: [bootstrap], ...config }, { seed });
  await until(() => node.status().bootstrap[0]?.isConnected);
  // Who has just connected may not be in the table yet: then there is nobody to ask.
  await eventually(async () => (await node.cards.providers('anything')).ok);
  return { node, signer: await createSigner(seed) };
}

/** Publishes until somebody has taken it: a node that just came knows nobody yet. */
async function publish(node: Mesh, signer: Signer, agent: string, seq = 1): Promise<void> {
  const signed = await signedCard(signer, agent, seq, Date.now());
  for (;;) {
    const published = await node.cards.publish(signed);
    if (!published.ok) throw new Error(published.code);
    if (published.value > 0) return;
  }
}

describe('without an edge', () => {
  test('a resolver finds what a publisher told a bootstrap node', async () => {
    const boot = await mesh.node();
    const publisher = await executor(addressOf(boot));
    await publish(publisher.node, publisher.signer, 'digest');
    const resolver = await executor(addressOf(boot));
    const card = await resolver.node.cards.resolve(publisher.signer.did, 'digest');
    expect(card).toMatchObject({
      ok: true,
      value: { body: { did: publisher.signer.did, seq: '1' } },
    });
    const missing = await resolver.node.cards.resolve(publisher.signer.did, 'nothing');
    expect(missing).toMatchObject({ ok: false });
  });

  test('a card of a node that was alone is in the table as soon as it meets somebody', async () => {
    const seed = mesh.seed();
    const ports = systemPorts();
    // Waiting for the next round is no way to be found.
    const after = (ms: number, work: () => void) =>
      ms < REPUBLISH_SOON_MS ? ports.timers.after(ms, work) : () => undefined;
    const options = { seed, ports: { ...ports, timers: { ...ports.timers, after } } };
    const publisher = await mesh.node({}, options);
    const signer = await createSigner(seed);
    const signed = await signedCard(signer, 'digest', 1, Date.now());
    expect(await publisher.cards.publish(signed)).toEqual({ ok: true, value: 0 });
    const boot = await mesh.node();
    await publisher.connect(addressOf(boot));
    await until(() => publisher.cards.status()[0]?.holders);
    const { node } = await executor(addressOf(boot));
    const found = await eventually(async () => {
      const providers = await node.cards.providers('hash');
      return providers.ok && providers.value.length > 0 && providers.value;
    });
    expect(found).toEqual([signer.did]);
  });

  test('three publishers and one resolver: all cards resolved, verified and found by what they do', async () => {
    const boot = await mesh.node();
    const publishers = await Promise.all([1, 2, 3].map(() => executor(addressOf(boot))));
    await Promise.all(publishers.map(({ node, signer }, i) => publish(node, signer, `agent-${i}`)));
    const resolver = await executor(addressOf(boot));
    for (const [i, { signer }] of publishers.entries()) {
      const card = await resolver.node.cards.resolve(signer.did, `agent-${i}`);
      expect(card).toMatchObject({ ok: true, value: { card: { name: `agent-${i}` } } });
    }
    const expected = new Set(publishers.map(({ signer }) => signer.did));
    // A tag in any spelling, and a module by its hash, which has only one.
    for (const capability of ['HASH', `module:${'A'.repeat(43)}`]) {
      const providers = await eventually(async () => {
        const found = await resolver.node.cards.providers(capability);
        return found.ok && found.value.length >= expected.size && found.value;
      });
      expect(new Set(providers), capability).toEqual(expected);
    }
    const own = await resolver.node.cardAsking.ask(publishers[0]?.signer.did ?? '');
    expect(own).toMatchObject({ ok: true, value: [{ body: { agent: 'agent-0' } }] });
  });

  test('a newer card replaces the old one, and the old one does not come back', async () => {
    const boot = await mesh.node();
    const { node, signer } = await executor(addressOf(boot));
    const old = await signedCard(signer, 'digest', 1, Date.now());
    await publish(node, signer, 'digest', 2);
    expect(await node.cards.publish(old)).toMatchObject({ ok: false, code: 'freshness-stale' });
    const { node: resolver } = await executor(addressOf(boot));
    expect(await resolver.cards.resolve(signer.did, 'digest')).toMatchObject({
      value: { body: { seq: '2' } },
    });
    // A bearer of the old record cannot make the table's nodes take it.
    const key = cardKey({ network: NETWORK, did: signer.did, agent: 'digest' });
    const before = boot.counters.of('cards-freshness-stale');
    await resolver.dht.put(key, encodeCard(old), AbortSignal.timeout(60_000));
    await until(() => boot.counters.of('cards-freshness-stale') > before);
    expect(boot.book.record(signer.did, 'digest')?.seq).toBe('2');
  });

  test('the table takes no card that its author did not sign', async () => {
    const boot = await mesh.node();
    const { node, signer } = await executor(addressOf(boot));
    await publish(node, signer, 'good');
    const [alice, mallory] = [await author(201), await author(202)];
    const forged = await signedCard(alice, 'digest', 1, Date.now(), { recordSigner: mallory });
    expect(await node.cards.publish(forged)).toMatchObject({ ok: false, code: 'signature-record' });
    const key = cardKey({ network: NETWORK, did: alice.did, agent: 'digest' });
    await node.dht.put(key, encodeCard(forged), AbortSignal.timeout(60_000));
    await until(() => boot.counters.of('cards-signature-record') > 0);
    expect(boot.book.cardsOf(alice.did)).toEqual([]);
  });
});

describe('gossip', () => {
  async function trio() {
    const middle = await mesh.node();
    // They may not meet: what one hears of the other came over the middle.
    const apart = { members: [middle.did] };
    const left = await executor(addressOf(middle), apart);
    const right = await executor(addressOf(middle), apart);
    await until(() => middle.gossip.listeners() === 2 && left.node.gossip.listeners() === 1);
    await until(() => right.node.gossip.listeners() === 1);
    return { middle, left, right };
  }

  test('carries a card and presence over a node between, and both are checked there', async () => {
    const { middle, left, right } = await trio();
    const signed = await signedCard(left.signer, 'digest', 1, Date.now());
    await left.node.gossip.tellCard(signed);
    await until(() => right.node.book.card(left.signer.did, 'digest'));
    await left.node.gossip.tellPresence({ queue: 3, running: 1, capacity: 2 });
    const load = await until(() => right.node.presences.of(left.signer.did));
    expect(load).toEqual({ queue: 3, running: 1, capacity: 2 });
    expect(middle.book.size).toBe(1);
  });

  test('goes on between two nodes when one of their connections ends', async () => {
    const [left, right] = [await mesh.node(), await mesh.node()];
    await Promise.all([left.connect(addressOf(right)), right.connect(addressOf(left))]);
    await until(() => left.gossip.listeners() === 1 && right.gossip.listeners() === 1);
    // Who is dialled has a connection a moment after who dials.
    await until(() => [left, right].every(({ wire }) => wire.connections().length === 2));
    const [oldest] = left.wire.connections();
    if (oldest === undefined) throw new Error('no connection');
    left.wire.condemn(oldest.id);
    await until(() => right.wire.connections().length === 1);
    // The stream is opened again at once. libp2p alone takes about 200 of these, until one of them
    // happens to introduce itself again.
    let told = 0;
    await until(() => {
      void left.gossip.tellPresence({ queue: 3, running: 1, capacity: 2 });
      told += 1;
      return right.presences.of(left.did);
    });
    expect(told).toBeLessThan(100);
  });

  test('does not pass on junk, forgeries or what is over, and counts them', async () => {
    const { middle, left, right } = await trio();
    const mallory = await author(203);
    const old = { issued_at: '1000', expires_at: '2000' };
    const bad = [
      await signedCard(left.signer, 'forged', 1, Date.now(), { recordSigner: mallory }),
      await signedCard(left.signer, 'over', 1, Date.now(), { record: old }),
    ];
    for (const signed of bad) await left.node.gossip.tellCard(signed);
    await left.node.pubsub.publish(`zerostate/${NETWORK}/cards/1`, utf8('junk'));
    await until(() => middle.counters.of('cards-form-invalid') === 1);
    await until(() => middle.counters.of('cards-signature-record') === 1);
    await until(() => middle.counters.of('cards-freshness-expired') === 1);
    await left.node.gossip.tellCard(await signedCard(left.signer, 'good', 1, Date.now()));
    await until(() => right.node.book.card(left.signer.did, 'good'));
    expect(right.node.book.size).toBe(1);
    const seen = Object.keys(right.node.counters.all()).filter((name) => /card|gossip/.test(name));
    expect(seen).toEqual(['gossip-cards']);
  });

  test('tells of an author who signs two cards with one number, with the proof', async () => {
    const { left, right } = await trio();
    const liar = await author(204);
    const first = await signedCard(liar, 'digest', 1, Date.now());
    const second = await signedCard(liar, 'digest', 1, Date.now(), {
      card: agentCard('digest', ['other']),
    });
    await left.node.gossip.tellCard(first);
    await until(() => right.node.book.card(liar.did, 'digest'));
    await left.node.gossip.tellCard(second);
    const proof = await until(() => right.node.book.equivocations()[0]);
    expect(proof).toMatchObject({ did: liar.did, seq: '1' });
    expect(proof.records.map(({ body }) => body.card_sha256)).toEqual([
      first.record.body.card_sha256,
      second.record.body.card_sha256,
    ]);
  });
});
