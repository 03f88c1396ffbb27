import { createServer } from 'node:net';
import { DEFAULT_RELAY_POLICY, peerIdFromDid, startMesh } from '@zerostate/mesh';
import { createSigner } from '@zerostate/shared';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { systemRng, systemTimers } from '../adapters/system.ts';
import { MeshPeer } from '../testing/mesh-peer.ts';
import { World } from '../testing/world.ts';

const TCP = '/ip4/127.0.0.1/tcp/0';

let world: World;
const ends: (() => Promise<unknown>)[] = [];
beforeEach(async () => {
  world = await World.make();
  world.listen = [TCP];
});
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
  await world.end();
  expect(world.failures).toEqual([]);
});

const meshSchema = z.looseObject({
  mesh: z.looseObject({
    state: z.string(),
    problems: z.array(z.string()),
    addresses: z.array(z.string()).optional(),
  }),
});

const routesSchema = z.object({
  value: z.object({ destinations: z.array(z.object({ why: z.string() })) }),
});

async function mesh() {
  return meshSchema.parse(await world.status()).mesh;
}

async function problem(text: string): Promise<void> {
  await world.passUntil(1_000, async () => (await mesh()).problems.join().includes(text));
}

function said(event: string): number {
  return world.lines.filter((line) => line.event === event).length;
}

async function join(fill: number, now = () => world.time.now()): Promise<MeshPeer> {
  if (world.mesh === null) throw new Error('the node has no mesh');
  const peer = await MeshPeer.join(world.mesh, world.edge.network, { now }, fill);
  ends.push(() => peer.stop());
  return peer;
}

test('a port in use is said once, the node works on, and listens when the port is free', async () => {
  const holder = createServer();
  await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
  const address = holder.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  world.listen = [`/ip4/127.0.0.1/tcp/${port}`];
  await world.start();
  expect(await mesh()).toMatchObject({ state: 'down' });
  await problem('listen-failed');
  const until = world.time.now() + 30_000;
  await world.passUntil(1_000, () => world.time.now() >= until);
  expect(said('mesh down')).toBe(1);
  expect((await world.status()).link.state).toBe('up');
  await new Promise<void>((resolve) => holder.close(() => resolve()));
  await world.passUntil(1_000, async () => (await mesh()).state === 'up');
  expect(await mesh()).toMatchObject({ problems: [] });
});

test('a node starts from one that is not there, says so, and finds it when it comes', async () => {
  const first = await startFirst();
  const [address = ''] = first.addresses();
  await first.stop();
  world.meshConfig = { bootstrap: [address] };
  await world.start();
  await problem('peer-unreachable');
  const again = await startFirst(/tcp\/(\d+)/.exec(address)?.[1]);
  ends.push(() => again.stop());
  await world.passUntil(0, async () => (await mesh()).problems.length === 0);
  expect(said('bootstrap node does not answer')).toBe(1);
});

test('an address with another key, a full relay and one that is none are each named', async () => {
  const other = await startFirst();
  ends.push(() => other.stop());
  const full = await startMesh({
    seed: new Uint8Array(32).fill(43),
    network: '',
    config: { listen: [TCP], allowPrivate: true },
    ports: { clock: world.time, rng: systemRng, timers: systemTimers, log: world.log },
    relay: { ...DEFAULT_RELAY_POLICY, reservationsMax: 0 },
  });
  if (!full.ok) throw new Error(full.code);
  ends.push(() => full.value.stop());
  const [address = ''] = other.addresses();
  const [relay = ''] = full.value.addresses();
  const nobody = peerIdFromDid((await createSigner(new Uint8Array(32).fill(99))).did);
  const lie = address.replace(/p2p\/.*/, `p2p/${nobody.ok ? nobody.value : ''}`);
  world.meshConfig = { bootstrap: [lie], relays: [relay, address] };
  await world.start();
  await problem('peer-differs');
  await problem('relay-refused');
  await problem('relay-not-serving');
  expect((await world.status()).link.state).toBe('up');
});

async function startFirst(port = '0') {
  const started = await startMesh({
    seed: new Uint8Array(32).fill(42),
    network: world.edge.network,
    config: { listen: [`/ip4/127.0.0.1/tcp/${port}`], allowPrivate: true, isDhtServer: true },
    ports: { clock: world.time, rng: systemRng, timers: systemTimers, log: world.log },
  });
  if (!started.ok) throw new Error(started.code);
  return started.value;
}

test('a clock that is a day off is named, and forgotten when it is right', async () => {
  await world.start();
  const peer = await join(7, () => world.time.now() + 86_400_000);
  await problem('clock-off: 86400 s behind');
  expect(said('clock off')).toBe(1);
  await peer.stop();
  await world.passUntil(1_000, async () => (await mesh()).problems.length === 0);
});

test('its cards are found, verified and renewed in the mesh, and a revoked one is no more', async () => {
  await world.ready();
  const did = world.node?.did ?? '';
  const peer = await join(7);
  const agent = () => peer.mesh.cards.resolve(did, 'hello');
  // Callers who find the card reach the node by what it names.
  await world.passUntil(1_000, async () => {
    const found = await agent();
    return found.ok && found.value.params.mesh.join() === world.mesh?.addresses().join();
  });
  await world.stop();
  const signedAt = world.time.now();
  world.time.advance(50_000_000);
  await world.start();
  if (world.mesh !== null) await peer.meet(world.mesh);
  await world.passUntil(1_000, async () => {
    const found = await agent();
    return found.ok && Number(found.value.body.issued_at) > signedAt;
  });
  await world.node?.execute({ command: 'card-revoke', agent: 'hello' });
  await world.passUntil(1_000, async () => {
    const found = await agent();
    return found.ok && found.value.body.revoked === 'true';
  });
  // Who comes later has heard no gossip: the table says so too.
  const late = await join(8);
  await world.passUntil(1_000, async () => {
    const found = await late.mesh.cards.resolve(did, 'hello');
    return found.ok && found.value.body.revoked === 'true';
  });
  await world.outboxEmpty();
});

test('a node that is reached at a new address tells its cards again, once', async () => {
  await world.ready();
  const { mesh } = world;
  if (mesh === null) throw new Error('the node has no mesh');
  await join(7);
  await world.passUntil(1_000, () => said('card told to the mesh') > 0);
  const publish = vi.spyOn(mesh.cards, 'publish');
  const own = mesh.addresses();
  const addresses = vi.spyOn(mesh, 'addresses');
  /** Cards told within 20 s of being reached at one more address. */
  const toldWith = async (more: string): Promise<number> => {
    publish.mockClear();
    addresses.mockReturnValue([...own, more]);
    const end = world.time.now() + 20_000;
    await world.passUntil(1_000, () => world.time.now() >= end);
    return publish.mock.calls.length;
  };
  await toldWith('/ip4/192.0.2.1/tcp/1');
  // The card that names the first is young: the node signs no other so soon.
  expect(await toldWith('/ip4/192.0.2.2/tcp/1')).toBe(1);
  expect(await toldWith('/ip4/192.0.2.1/tcp/1')).toBe(0);
});

test('how busy it is spreads by gossip', async () => {
  const caller = await world.ready();
  const did = world.node?.did ?? '';
  const peer = await join(5);
  await world.passUntil(1_000, () => peer.mesh.presences.of(did)?.running === 0);
  const open = world.sandbox.hold();
  const { body, task } = await caller.sign();
  await peer.said({ type: 'task.offer', body });
  const changedAt = world.time.now();
  await world.passUntil(500, () => peer.mesh.presences.of(did)?.running === 1);
  expect(world.time.now() - changedAt).toBeLessThan(15_000);
  open();
  await peer.told(task);
});

test('its ways to others are shown, and why the next hop is the next', async () => {
  expect(await world.launch().then((node) => node.execute({ command: 'routes' }))).toMatchObject({
    ok: true,
    value: { neighbours: [], destinations: [] },
  });
  const peer = await join(7);
  const { did } = peer.mesh;
  await world.passUntil(0, async () => {
    const routes = await world.node?.execute({ command: 'routes', to: did });
    const table = routesSchema.parse(routes);
    return table.value.destinations[0]?.why === 'neighbour';
  });
  await world.stop();
  world.listen = null;
  const node = await world.launch();
  expect(await node.execute({ command: 'routes' })).toMatchObject({ code: 'mesh-down' });
});

test('the edge hears that the node carries messages for others, only where it does', async () => {
  await world.start();
  expect(world.edge.hellos.at(-1)?.features).toEqual(['mesh']);
  await world.stop();
  world.listen = null;
  await world.start();
  expect(world.edge.hellos.at(-1)?.features).toEqual([]);
});
