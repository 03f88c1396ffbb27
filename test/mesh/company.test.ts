/** A node that knew one other finds more, and what the table told it first still spreads. */

import { createSigner } from '@zerostate/shared';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../packages/mesh/src/testing/adapters/system.ts';
import { signedCard } from '../../packages/mesh/src/testing/cards.ts';
import { addressOf, TestMesh } from '../../packages/mesh/src/testing/nodes.ts';

const NODES = 8;

const mesh = new TestMesh();
afterEach(() => mesh.stop());

test('nodes that know only their bootstrap node outlive it', async () => {
  const boot = await mesh.node();
  const bootstrap = [addressOf(boot)];
  const seed = mesh.seed();
  const author = await mesh.node({ bootstrap }, { seed });
  const nodes = [author];
  while (nodes.length < NODES) nodes.push(await mesh.node({ bootstrap }));
  const counts = () => nodes.map(({ gossip }) => gossip.listeners());
  // Half of all others beside the bootstrap node: whoever they are, without it all hang together.
  await until(() => counts().every((count) => count > NODES / 2), counts);
  await boot.stop();
  const signer = await createSigner(seed);
  const signed = await signedCard(signer, 'digest', 1, Date.now());
  await author.gossip.tellCard(signed);
  await until(() => nodes.slice(1).every(({ book }) => book.card(signer.did, 'digest') !== null));
});

test('a card that a node has from the table goes on to those who only listen', async () => {
  const middle = await mesh.node();
  const apart = { members: [middle.did], bootstrap: [addressOf(middle)] };
  const seed = mesh.seed();
  const [left, right] = [await mesh.node(apart, { seed }), await mesh.node(apart)];
  await until(() => middle.gossip.listeners() === 2 && right.gossip.listeners() === 1);
  const signer = await createSigner(seed);
  const signed = await signedCard(signer, 'digest', 1, Date.now());
  while ((await left.cards.publish(signed)).ok && middle.book.size === 0);
  await left.gossip.tellCard(signed);
  await until(() => right.book.card(signer.did, 'digest'));
  expect(middle.counters.of('gossip-cards')).toBe(1);
});
