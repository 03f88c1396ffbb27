import { createSigner } from '@zerostate/shared';
import { type Mesh, type MeshOptions, startMesh } from '../node.ts';
import type { MeshConfig } from '../options.ts';
import { DEFAULT_RELAY_POLICY } from '../relay/accounting.ts';
import { systemPorts } from './adapters/system.ts';

export const NETWORK = 'zs-aaaaaaaaaaaaaaaa';
export const WS = '/ip4/127.0.0.1/tcp/0/ws';
export const TCP = '/ip4/127.0.0.1/tcp/0';

/** Starts real nodes on loopback and stops them all. */
export class TestMesh {
  readonly #nodes: Mesh[] = [];
  #seeds: number;

  constructor() {
    this.#seeds = 0;
  }

  /** Seed of the n-th node that this test starts. */
  seed(): Uint8Array {
    this.#seeds += 1;
    const seed = new Uint8Array(32).fill(7);
    new DataView(seed.buffer).setUint32(0, this.#seeds);
    return seed;
  }

  /** The DID of a seed. */
  async didOf(seed: Uint8Array): Promise<string> {
    return (await createSigner(seed)).did;
  }

  async node(config: Partial<MeshConfig> = {}, options: Partial<MeshOptions> = {}): Promise<Mesh> {
    const started = await startMesh({
      seed: this.seed(),
      network: NETWORK,
      config: { listen: [TCP], allowPrivate: true, isDhtServer: true, ...config },
      ports: systemPorts(),
      ...options,
    });
    if (!started.ok) throw new Error(`${started.code}: ${started.detail ?? ''}`);
    this.#nodes.push(started.value);
    return started.value;
  }

  relay(config: Partial<MeshConfig> = {}, options: Partial<MeshOptions> = {}): Promise<Mesh> {
    return this.node({ listen: [WS, TCP], ...config }, { relay: DEFAULT_RELAY_POLICY, ...options });
  }

  async stop(): Promise<void> {
    await Promise.all(this.#nodes.splice(0).map((node) => node.stop()));
  }
}

/** The first address of a node; tests listen before they ask. */
export function addressOf(node: Mesh, kind: RegExp = /./): string {
  const address = node.addresses().find((one) => kind.test(one));
  if (address === undefined) throw new Error('the node has no such address');
  return address;
}
