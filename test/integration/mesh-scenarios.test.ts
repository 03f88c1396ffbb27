/** Finding executors with nothing but one address of the mesh: real daemons, each a process. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Mesh, startMesh, type VerifiedCard } from '@zerostate/mesh';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  systemClock,
  systemRng,
  systemTimers,
} from '../../apps/executor-node/src/adapters/system.ts';
import type { Child } from '../../scripts/start/child.ts';
import { startProcessEdge } from '../../scripts/start/edge.ts';
import { must, until } from './dispute-network.ts';
import { type MeshNode, startMeshNode } from './mesh-network.ts';

const SILENT = { info: () => undefined, warn: () => undefined, error: () => undefined };
const ports = { clock: systemClock, rng: systemRng, timers: systemTimers, log: SILENT };

let state: string;
let url: string;
let network: string;
let bootstrap: MeshNode;
let publishers: MeshNode[];
const children: Child[] = [];
const meshes: Mesh[] = [];
const started = (child: Child) => children.push(child);
const publisher = (name: string, agent: string) =>
  startMeshNode(state, name, url, started, { agents: [agent], bootstrap: [bootstrap.address] });

beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'zs-mesh-'));
  url = await startProcessEdge(state, 0, started);
  bootstrap = await startMeshNode(state, 'bootstrap', url, started, { agents: [], bootstrap: [] });
  network = must(await bootstrap.edge.network()).network;
});
afterAll(async () => {
  for (const mesh of meshes) await mesh.stop();
  for (const child of children.reverse()) await child.stop();
  await rm(state, { recursive: true, force: true });
});

/** A node that has met nobody: it knows one address and has no edge. */
async function resolver(fill: number): Promise<Mesh> {
  const seed = new Uint8Array(32).fill(fill);
  const config = { listen: [], allowPrivate: true, bootstrap: [bootstrap.address] };
  const mesh = must(await startMesh({ seed, network, config, ports }));
  meshes.push(mesh);
  return mesh;
}

/**
 * A card as the resolver has checked it: hash, signature, author, freshness. It is signed anew once
 * its node listens; the one from before names no address.
 */
async function resolved(
  mesh: Mesh,
  { did, address }: MeshNode,
  agent: string,
): Promise<VerifiedCard> {
  const card = await until(async () => {
    const found = await mesh.cards.resolve(did, agent);
    return found.ok && found.value.params.mesh.includes(address) ? found.value : undefined;
  });
  expect(card.body).toMatchObject({ did, agent, revoked: 'false' });
  return card;
}

test('a bootstrap node, a publisher and a resolver: the card is found and verified', async () => {
  publishers = [await publisher('publisher-1', 'hello')];
  const [first] = publishers;
  if (first === undefined) throw new Error('no publisher');
  const mesh = await resolver(101);
  const card = await resolved(mesh, first, 'hello');
  // What the card names is where its executor answers, without an edge.
  expect(card.params.mesh).toContain(first.address);
  const told = await mesh.cardAsking.ask(first.did);
  expect(told.ok && told.value.map(({ body }) => body.agent)).toEqual(['hello']);
});

test('three publishers and a resolver: every card is found by name and by what it does', async () => {
  const agents = ['hello', 'digest', 'sudoku'];
  publishers.push(
    await publisher('publisher-2', 'digest'),
    await publisher('publisher-3', 'sudoku'),
  );
  // From here on nobody can ask an edge.
  await children[0]?.stop();
  const mesh = await resolver(102);
  for (const [i, node] of publishers.entries()) {
    const agent = agents[i] ?? '';
    const card = await resolved(mesh, node, agent);
    const [program] = card.params.programs;
    const capability = `module:${program?.module}`;
    await until(async () => {
      const found = await mesh.cards.providers(capability);
      return found.ok && found.value.includes(node.did);
    });
  }
  expect(mesh.book.equivocations()).toEqual([]);
  const refused = Object.entries(mesh.status().counters).filter(([name]) => /^cards-/.test(name));
  expect(refused).toEqual([]);
});
