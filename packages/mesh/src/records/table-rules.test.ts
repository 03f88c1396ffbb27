/** Networks whose executors nobody can dial: relays alone keep their table. */
import { createSigner, utf8 } from '@zerostate/shared';
import { afterEach, expect, test } from 'vitest';
import type { Mesh } from '../node.ts';
import { eventually, until } from '../testing/adapters/system.ts';
import { author, signedCard } from '../testing/cards.ts';
import { addressOf, NETWORK, TestMesh } from '../testing/nodes.ts';
import { cardKey, encodeCard } from './card-value.ts';

const OTHER_NETWORK = 'zs-bbbbbbbbbbbbbbbb';

const mesh = new TestMesh();
afterEach(() => mesh.stop());

/** As its daemon runs it: of no network, and with the table. */
function tableRelay(): Promise<Mesh> {
  return mesh.relay({}, { network: '' });
}

async function executorBehind(relay: Mesh, network = NETWORK) {
  const seed = mesh.seed();
  const config = { listen: [], relays: [addressOf(relay)], isDhtServer: false };
  const node = await mesh.node(config, { seed, network });
  return { node, signer: await createSigner(seed) };
}

function callerAt(relay: Mesh, network = NETWORK): Promise<Mesh> {
  const config = { listen: [], bootstrap: [addressOf(relay)], isDhtServer: false };
  return mesh.node(config, { network });
}

test('an executor behind a relay is found by what it does, resolved and reached', async () => {
  const relay = await tableRelay();
  const { node, signer } = await executorBehind(relay);
  // Told at once, before the relay has given it a place: nobody could reach it yet.
  await node.cards.publish(await signedCard(signer, 'digest', 1, Date.now()));
  const caller = await callerAt(relay);
  const card = await eventually(async () => {
    const resolved = await caller.cards.resolve(signer.did, 'digest');
    return resolved.ok ? resolved.value : null;
  });
  expect(card.body.seq).toBe('1');
  const providers = await eventually(async () => {
    const found = await caller.cards.providers('hash');
    return found.ok && found.value.length > 0 ? found.value : null;
  });
  expect(providers).toEqual([signer.did]);
  expect(await caller.connect(signer.did)).toEqual({ ok: true, value: signer.did });
});

test('a relay keeps the cards of each network apart, and takes none back in time', async () => {
  const relay = await tableRelay();
  const { node, signer } = await executorBehind(relay);
  const now = Date.now();
  const [old, young] = [
    await signedCard(signer, 'digest', 1, now),
    await signedCard(signer, 'digest', 2, now),
  ];
  const key = cardKey({ network: NETWORK, did: signer.did, agent: 'digest' });
  const signal = AbortSignal.timeout(60_000);
  await until(() => node.wire.isConnected(relay.did));
  const put = (name: string, value: Uint8Array) =>
    eventually(async () => {
      const stored = await node.dht.put(name, value, signal);
      return !stored.ok && stored.code === 'dht-no-peers' ? null : stored;
    });
  expect(await put(key, encodeCard(young))).toEqual({ ok: true, value: 1 });
  expect(await put(key, encodeCard(old))).toEqual({ ok: true, value: 0 });
  expect(relay.counters.of('cards-freshness-stale')).toBe(1);
  // The same words under the name of another network are not what was signed.
  const elsewhere = cardKey({ network: OTHER_NETWORK, did: signer.did, agent: 'digest' });
  expect(await put(elsewhere, encodeCard(old))).toEqual({ ok: true, value: 0 });
  const mallory = await author(202);
  const forged = await signedCard(signer, 'other', 1, now, { recordSigner: mallory });
  const forgedKey = cardKey({ network: NETWORK, did: signer.did, agent: 'other' });
  expect(await put(forgedKey, encodeCard(forged))).toEqual({ ok: true, value: 0 });
  expect(relay.counters.of('cards-signature-record')).toBe(2);
  const stranger = await callerAt(relay, OTHER_NETWORK);
  expect(await stranger.cards.resolve(signer.did, 'digest')).toMatchObject({ ok: false });
});

test('a node that nobody can reach says so instead of naming itself a provider', async () => {
  const relay = await tableRelay();
  const caller = await callerAt(relay);
  await until(() => caller.wire.isConnected(relay.did));
  const told = await caller.dht.provide(utf8('hash'), AbortSignal.timeout(60_000));
  expect(told).toMatchObject({ ok: false, code: 'dht-no-address' });
});
