import { type Mesh, startMesh } from '@zerostate/mesh';
import { createSigner, createVerifier, type NetworkAnswer, type Signer } from '@zerostate/shared';
import { systemClock, systemRng, systemTimers } from '../adapters/system.ts';
import { type Client, type ClientOptions, openClient } from '../client/connect.ts';
import { type Failure, fail } from '../client/context.ts';
import { createEdgeClient } from '../edge-client.ts';
import { pause } from '../http/pause.ts';
import type { Clock, Rng, Timers } from '../ports.ts';
import { createMemoryModules } from '../verify/modules.ts';
import { systemMeshPorts } from './adapters/system-ports.ts';
import { Gateways, NoGateway } from './gateways.ts';
import { ForgedAnswer } from './ledger-answer.ts';
import { MeshCards } from './mesh-cards.ts';
import { createMeshEdge } from './mesh-edge.ts';
import { MeshTasks } from './mesh-tasks.ts';

/** A first peer is there within this, or the mesh is not. */
const PEERS_MS = 12_000;
const LOOK_MS = 20;
/** Inputs and outputs under way, in bytes. */
const UNDER_WAY_BYTES_MAX = 64 * 1024 * 1024;

/** A node of one's own for as long as the client lives. */
export interface OwnNode {
  /** The 32 bytes of the caller's key: the connection itself proves who asks. */
  seed: Uint8Array;
  /** Full addresses of nodes to start from, each ending in its peer id. */
  bootstrap: readonly string[];
  /** Finds nodes on the local network by multicast DNS. */
  mdns?: boolean | undefined;
  /** Dials loopback and private addresses that strangers name: for a network of one's own. */
  allowPrivate?: boolean | undefined;
}

/** A node that runs already, under the caller's key: no executor's, and one client at a time. */
export interface GivenNode {
  identity: Signer;
  mesh: Mesh;
}

export type MeshConnectOptions = ClientOptions & {
  /**
   * The network's id, or all that was said of it before. Without it the first network that a node
   * leads to is taken: keep `client.network` and give it the next time.
   */
  network?: string | NetworkAnswer | undefined;
};

type Done<T> = { ok: true; value: T } | Failure;

/** Connects a caller to the mesh, without an edge. Ends with `close`, as every client. */
export async function connectMesh(
  options: MeshConnectOptions & (OwnNode | GivenNode),
): Promise<Done<Client>> {
  if ('mesh' in options) return connectThrough(options.mesh, options.identity, options);
  const identity = await createSigner(options.seed);
  const network = await networkOf(options);
  if (!network.ok) return network;
  const node = await startNode(options, idOf(network.value));
  if (!node.ok) return node;
  const mesh = node.value;
  const connected = await connectThrough(mesh, identity, { ...options, network: network.value });
  if (!connected.ok) {
    await mesh.stop();
    return connected;
  }
  const client = connected.value;
  return {
    ok: true,
    value: {
      ...client,
      async close() {
        await client.close();
        await mesh.stop();
      },
    },
  };
}

function idOf(network: string | NetworkAnswer): string {
  return typeof network === 'string' ? network : network.network;
}

/** The network that was given, or the one that the first gateway leads to. */
async function networkOf(
  options: MeshConnectOptions & OwnNode,
): Promise<Done<string | NetworkAnswer>> {
  if (options.network !== undefined) return { ok: true, value: options.network };
  // A node of no network is greeted by those of every one, and speaks to gateways alone.
  const node = await startNode(options, '');
  if (!node.ok) return node;
  try {
    return await told(node.value, gatewaysOf(node.value, undefined, options), options);
  } finally {
    await node.value.stop();
  }
}

async function startNode(
  { seed, bootstrap, mdns, allowPrivate, ...options }: MeshConnectOptions & OwnNode,
  network: string,
): Promise<Done<Mesh>> {
  if (bootstrap.length === 0 && mdns !== true) {
    return fail('bootstrap-missing', 'name a node of the mesh to start from');
  }
  const { timers = systemTimers, clock = systemClock } = options;
  const ports = { ...systemMeshPorts, clock, rng: options.rng ?? systemRng };
  const started = await startMesh({
    seed,
    network,
    // It listens nowhere: what executors have to tell comes on the connections that it made.
    config: { listen: [], bootstrap, mdns: mdns === true, allowPrivate: allowPrivate === true },
    ports: { ...ports, timers: { ...systemMeshPorts.timers, ...timers } },
  });
  if (!started.ok) return started;
  const mesh = started.value;
  const problem = await peersOf(mesh, clock, timers);
  if (problem === null) return { ok: true, value: mesh };
  await mesh.stop();
  return problem;
}

/** Waits for a first peer. */
async function peersOf(mesh: Mesh, clock: Clock, timers: Timers): Promise<Failure | null> {
  const until = clock.now() + PEERS_MS;
  for (;;) {
    if (mesh.wire.connections().length > 0) return null;
    const { bootstrap, problems } = mesh.status();
    const haveAllFailed = bootstrap.length > 0 && bootstrap.every(({ failures }) => failures > 0);
    if (haveAllFailed || clock.now() >= until) {
      return fail('mesh-no-peers', problems.join('; ') || 'nobody is there');
    }
    await pause(timers, LOOK_MS);
  }
}

function gatewaysOf(
  mesh: Mesh,
  network: string | NetworkAnswer | undefined,
  ports: { clock?: Clock; rng?: Rng; timers?: Timers },
): Gateways {
  const { clock = systemClock, rng = systemRng, timers = systemTimers } = ports;
  const id = network === undefined ? undefined : idOf(network);
  const known = typeof network === 'object' ? network : null;
  const verifier = createVerifier();
  return new Gateways({ mesh, network: id, verifier, clock, rng, timers }, known);
}

/** What the network is. A relay is there first; those behind it that lead to a ledger come later. */
async function told(
  mesh: Mesh,
  gateways: Gateways,
  { clock = systemClock, timers = systemTimers }: { clock?: Clock; timers?: Timers },
): Promise<Done<NetworkAnswer>> {
  const until = clock.now() + PEERS_MS;
  for (;;) {
    const isDialling = mesh
      .status()
      .bootstrap.some(({ isConnected, failures }) => !isConnected && failures === 0);
    try {
      return { ok: true, value: await gateways.network() };
    } catch (cause) {
      if (!(cause instanceof NoGateway || cause instanceof ForgedAnswer)) throw cause;
      if (!isDialling || clock.now() >= until) return fail('gateway-none', cause.message);
    }
    await pause(timers, LOOK_MS);
  }
}

async function connectThrough(
  mesh: Mesh,
  identity: Signer,
  options: MeshConnectOptions,
): Promise<Done<Client>> {
  if (mesh.did !== identity.did) return fail('identity-differs', `the node is ${mesh.did}`);
  const { clock = systemClock, rng = systemRng, timers = systemTimers } = options;
  const gateways = gatewaysOf(mesh, options.network, options);
  const network = await told(mesh, gateways, options);
  if (!network.ok) return network;
  const verifier = createVerifier();
  const bytes = createMemoryModules(UNDER_WAY_BYTES_MAX);
  const ledger = createEdgeClient({
    url: `mesh:${network.value.network}`,
    locate: gateways.locate,
    fetch: gateways.fetch,
    signer: identity,
    clock,
    rng,
    timers,
  });
  const cards = new MeshCards({ mesh, clock, timers });
  const parts = { mesh, network: network.value.network, verifier, bytes, clock, rng, timers };
  return openClient({
    network: network.value,
    identity,
    options,
    reach: (wallet, orders) =>
      createMeshEdge({
        ledger,
        cards,
        orders,
        bytes,
        tasks: new MeshTasks({ ...parts, wallet, orders }),
      }),
  });
}
