/** Handshake, identify and ping with another libp2p: js-libp2p 2.10, whose noise and yamux are of
 * that line (interfaces before 3.0, other packages). */

import { didFromPeerId } from '@zerostate/mesh';
import { createLibp2p } from 'libp2p-2';
import { identify } from 'libp2p-2-identify';
import { noise } from 'libp2p-2-noise';
import { ping } from 'libp2p-2-ping';
import { webSockets } from 'libp2p-2-websockets';
import { yamux } from 'libp2p-2-yamux';
import { afterEach, expect, test } from 'vitest';
import { until } from '../../packages/mesh/src/testing/adapters/system.ts';
import { addressOf, TestMesh, WS } from '../../packages/mesh/src/testing/nodes.ts';

const mesh = new TestMesh();
const others: Awaited<ReturnType<typeof other>>[] = [];
afterEach(async () => {
  await mesh.stop();
  await Promise.all(others.splice(0).map((node) => node.stop()));
});

async function other() {
  return createLibp2p({
    addresses: { listen: [WS] },
    transports: [webSockets()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionGater: { denyDialMultiaddr: () => false },
    services: { identify: identify(), ping: ping() },
  });
}

test('a js-libp2p 2 node dials ours, identifies it and pings it', async () => {
  const theirs = await other();
  others.push(theirs);
  const ours = await mesh.node({ listen: [WS] });
  const [own] = theirs.getMultiaddrs();
  // Its own address, emptied, takes ours in the type of its line.
  const target = own?.decapsulate('/ip4').encapsulate(addressOf(ours));
  if (target === undefined) throw new Error('the other node listens nowhere');
  expect(await theirs.services.ping.ping(target)).toBeGreaterThanOrEqual(0);
  const [peer] = theirs.getPeers();
  expect(didFromPeerId(String(peer))).toEqual({ ok: true, value: ours.did });
  const known = await until(() => theirs.getConnections()[0]);
  const identified = await theirs.services.identify.identify(known);
  expect(identified.agentVersion).toContain('zerostate');
  expect(identified.protocols).toContain('/zerostate/hello/1.0.0');
});

test('ours dials a js-libp2p 2 node and has its answers to probes', async () => {
  const theirs = await other();
  others.push(theirs);
  const ours = await mesh.node({ listen: [] });
  const did = didFromPeerId(String(theirs.peerId));
  expect(await ours.connect(String(theirs.getMultiaddrs()[0]))).toEqual(did);
  const health = await until(() => {
    const one = ours.health(did.ok ? did.value : '');
    return one?.rttMs === null ? null : one;
  });
  expect(health).toMatchObject({ state: 'healthy', loss: 0 });
  // It speaks none of the mesh's protocols: nothing was agreed, and nothing broke.
  expect(ours.agreed(did.ok ? did.value : '')).toBeNull();
});
