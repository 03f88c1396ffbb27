import { connect, createServer } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { startEdge, TEST_NETWORK } from '../testing/edge.ts';
import { addressOf, meshExecutor, seedOf, testNode } from '../testing/mesh-executor.ts';
import { unwrap } from '../testing/parties.ts';
import { connectMesh } from './connect-mesh.ts';

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Leads to an address of loopback, for whoever has patience. */
async function detour(address: string, until: () => boolean): Promise<string> {
  const port = Number(/\/tcp\/(\d+)/.exec(address)?.[1]);
  const server = createServer({ pauseOnConnect: true }, (near) => {
    const look = setInterval(() => {
      if (!until()) return;
      clearInterval(look);
      const far = connect(port, '127.0.0.1');
      near.on('error', () => far.destroy());
      far.on('error', () => near.destroy());
      near.pipe(far).pipe(near);
    }, 300);
    near.on('close', () => clearInterval(look));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => new Promise((resolve) => server.close(() => resolve())));
  const own = server.address();
  if (typeof own !== 'object' || own === null) throw new Error('no port');
  return address.replace(`/tcp/${port}/`, `/tcp/${own.port}/`);
}

test('a caller whose first peer leads to no ledger waits for those that it still dials', async () => {
  const edge = await startEdge([]);
  stops.push(edge.stop);
  const relay = await testNode('relay', TEST_NETWORK);
  stops.push(() => relay.stop());
  const gateway = { origin: edge.url, fetch };
  const executor = await meshExecutor(TEST_NETWORK, 'executor', { now: Date.now(), gateway });
  stops.push(executor.stop);
  const isRelayThere = () => relay.wire.connections().length > 0;
  const slow = await detour(executor.address, isRelayThere);
  const options = { seed: seedOf('caller'), allowPrivate: true, network: TEST_NETWORK };
  const client = unwrap(await connectMesh({ ...options, bootstrap: [addressOf(relay), slow] }));
  stops.push(client.close);
  expect(client.network.network).toBe(TEST_NETWORK);
});
