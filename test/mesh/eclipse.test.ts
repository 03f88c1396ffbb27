/**
 * Peers that lie together: sybils whose identities lie around the key of one card, and around one
 * node. Ten in `npm test`, fifty with ZS_SOAK=1. They cannot pass off anything false, and what
 * honest nodes gossip goes by them.
 */

import { createSigner, type Did, publicKeyFromDid, sha256, utf8 } from '@zerostate/shared';
import { afterEach, expect, test } from 'vitest';
import type { Mesh } from '../../packages/mesh/src/node.ts';
import { cardKey } from '../../packages/mesh/src/records/card-value.ts';
import { systemPorts, until } from '../../packages/mesh/src/testing/adapters/system.ts';
import { signedCard } from '../../packages/mesh/src/testing/cards.ts';
import { addressOf, NETWORK, TestMesh } from '../../packages/mesh/src/testing/nodes.ts';
import { IS_SOAK } from '../seed.ts';

const SYBILS = IS_SOAK ? 50 : 10;
/** Keys tried for each sybil: it lies some seven bits nearer to the card than chance. */
const KEYS_EACH = 128;
const CARDS_TOPIC = `zerostate/${NETWORK}/cards/1`;

const mesh = new TestMesh();
afterEach(() => mesh.stop());

/** Seeds whose nodes lie nearest to a key of the table (kad-dht: sha256 of the peer id, XOR). */
async function seedsAround(name: string): Promise<Uint8Array[]> {
  const target = sha256(utf8(name));
  const tried: { seed: Uint8Array; distance: number }[] = [];
  for (let i = 0; i < SYBILS * KEYS_EACH; i++) {
    const seed = new Uint8Array(32).fill(99);
    new DataView(seed.buffer).setUint32(0, i);
    const key = publicKeyFromDid((await createSigner(seed)).did);
    if (!key.ok) throw new Error(key.code);
    // A peer id of an Ed25519 key is its protobuf behind two bytes of identity multihash.
    const id = Uint8Array.of(0x00, 0x24, 0x08, 0x01, 0x12, 0x20, ...key.value);
    const hash = sha256(id);
    let distance = 0;
    for (let at = 0; at < 4; at++) {
      distance = distance * 256 + ((hash[at] ?? 0) ^ (target[at] ?? 0));
    }
    tried.push({ seed, distance });
  }
  tried.sort((x, y) => x.distance - y.distance);
  return tried.slice(0, SYBILS).map(({ seed }) => seed);
}

/** Real nodes with a clock a year ahead: to them every record is over, and they keep none. */
async function sybil(seed: Uint8Array, bootstrap: string): Promise<Mesh> {
  const clock = { now: () => Date.now() + 365 * 86_400_000 };
  return mesh.node({ bootstrap: [bootstrap] }, { seed, ports: { ...systemPorts(), clock } });
}

test(`${SYBILS} sybils around a card's key hide it from nobody who listens`, async () => {
  const boot = await mesh.node();
  const address = addressOf(boot);
  const seed = mesh.seed();
  const { did } = await createSigner(seed);
  const seeds = await seedsAround(cardKey({ network: NETWORK, did, agent: 'digest' }));
  const sybils = await Promise.all(seeds.map((one) => sybil(one, address)));
  const [publisher, resolver] = [
    await mesh.node({ bootstrap: [address] }, { seed }),
    await mesh.node({ bootstrap: [address] }),
  ];
  // The sybils pass on nothing: both hear of each other by the one honest node between.
  const hears = (one: Mesh, other: Mesh) => one.pubsub.subscribers(CARDS_TOPIC).includes(other.did);
  for (const end of [publisher, resolver]) {
    await until(() => hears(end, boot) && hears(boot, end));
  }
  await until(() => sybils.every(({ wire }) => wire.isConnected(boot.did)));
  const signed = await signedCard(await createSigner(seed), 'digest', 1, Date.now());
  await publisher.cards.publish(signed);
  await publisher.gossip.tellCard(signed);
  await until(
    () => resolver.book.card(did, 'digest'),
    () => resolver.status().counters,
  );
  // What was heard answers where the table is made to say nothing.
  const resolved = await resolver.cards.resolve(did, 'digest');
  expect(resolved).toMatchObject({ ok: true, value: { body: { seq: '1' } } });
  const asked = await askedDirectly(resolver, publisher, did);
  expect(asked).toMatchObject({ ok: true, value: [{ body: { agent: 'digest' } }] });
  // They refuse the record, each naming why; none of them is believed.
  await until(() => sybils.some(({ counters }) => counters.of('cards-freshness-expired') > 0));
});

async function askedDirectly(from: Mesh, to: Mesh, did: Did) {
  await from.wire.learn(did, to.addresses());
  return from.cardAsking.ask(did);
}
