/** An edge, executors of the mesh and callers without an edge, for one test at a time. */
import type { Mesh } from '@zerostate/mesh';
import { systemClock } from '../adapters/system.ts';
import type { Client, ClientOptions } from '../client/connect.ts';
import { connectMesh, type MeshConnectOptions, type OwnNode } from '../mesh/connect-mesh.ts';
import type { Fetch } from '../ports.ts';
import type { WalletStore } from '../wallet/store.ts';
import { startEdge, TEST_NETWORK, type TestEdge } from './edge.ts';
import {
  type MeshBehaviour,
  type MeshExecutor,
  meshExecutor,
  seedOf,
  testNode,
} from './mesh-executor.ts';
import { signerOf, unwrap } from './parties.ts';

export const caller = await signerOf('caller');

/** A bound against hanging, far above what a slow machine needs. */
const MEET_MS_MAX = 120_000;

export type Work = NonNullable<Parameters<typeof meshExecutor>[2]['work']>;
type Given = Partial<MeshConnectOptions & OwnNode>;

export interface MeshWorld {
  edge: TestEdge;
  executors: MeshExecutor[];
}

/** Starts worlds, and ends what was started. */
export class MeshWorlds {
  readonly stops: (() => Promise<void>)[] = [];

  async end(): Promise<void> {
    for (const stop of this.stops.splice(0).reverse()) await stop();
  }

  /** Ends what was started last. */
  async endLast(): Promise<void> {
    await this.stops.pop()?.();
  }

  /** An edge, and executors; each is a gateway to the edge, none with `fetch: null`. */
  async start(
    ...parties: { behaviour?: MeshBehaviour; work?: Work; fetch?: Fetch | null }[]
  ): Promise<MeshWorld> {
    const edge = await startEdge([]);
    this.stops.push(edge.stop);
    const executors: MeshExecutor[] = [];
    for (const [i, { behaviour, work, fetch: carry = fetch }] of parties.entries()) {
      const bootstrap = executors.slice(0, 1).map(({ address }) => address);
      const executor = await meshExecutor(TEST_NETWORK, `executor ${i}`, {
        now: systemClock.now(),
        bootstrap,
        ...(behaviour === undefined ? {} : { behaviour }),
        ...(work === undefined ? {} : { work }),
        ...(carry === null ? {} : { gateway: { origin: edge.url, fetch: carry } }),
      });
      this.stops.push(executor.stop);
      executors.push(executor);
      edge.executors.push(executor.executor);
    }
    return { edge, executors };
  }

  async tryConnect({ executors }: MeshWorld, given: Given = {}) {
    const client = await connectMesh({
      seed: seedOf('caller'),
      bootstrap: executors.map(({ address }) => address),
      allowPrivate: true,
      network: TEST_NETWORK,
      ...given,
    });
    if (client.ok) this.stops.push(client.value.close);
    return client;
  }

  async connect(world: MeshWorld, given: Given = {}): Promise<Client> {
    return unwrap(await this.tryConnect(world, given));
  }

  /** A client on a node that is connected to every executor and has read its cards. */
  async connectToAll(
    { executors }: MeshWorld,
    given: ClientOptions = {},
  ): Promise<{ client: Client; mesh: Mesh }> {
    const mesh = await testNode('caller', TEST_NETWORK);
    for (const { address, mesh: executor } of executors) {
      unwrap(await mesh.connect(address, MEET_MS_MAX));
      unwrap(await mesh.cardAsking.ask(executor.did));
    }
    const options = { ...given, mesh, identity: caller, network: TEST_NETWORK };
    const client = unwrap(await connectMesh(options));
    this.stops.push(async () => {
      await client.close();
      await mesh.stop();
    });
    return { client, mesh };
  }
}

/** Requests that the edge got for paths with this part. */
export function askedOf({ edge }: MeshWorld, part: string): string[] {
  return edge.seen
    .map(({ method, path }) => `${method} ${path}`)
    .filter((one) => one.includes(part));
}

/** A store that outlives the client that closes it, as a file does. */
export function unclosed(store: WalletStore): WalletStore {
  return { ...store, close: async () => undefined };
}
