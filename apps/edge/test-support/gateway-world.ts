/** Alice pays Bob, an executor in the mesh whose link has ended; gateways are linked on demand. */
import {
  createSigner,
  encodeBase64url,
  LINK_HEARTBEAT_MS,
  MESH_FEATURE,
  type Signer,
  utf8,
} from '@zerostate/shared';
import { createForwards, type Forwards } from '../src/gateways/forwards.ts';
import { FORWARD_KEEP_MS, FORWARD_LATE_MS } from '../src/gateways/limits.ts';
import { createProcessHub, type ProcessHub } from '../src/hub/process-hub.ts';
import type { Row } from '../src/ports.ts';
import {
  makeAccept,
  makeOpen,
  makePublication,
  makeReceipt,
  makeTask,
  type TaskPair,
} from './documents.ts';
import { type LinkedNode, linkNode } from './linked-node.ts';
import { createEdgeWorld, type EdgeWorld } from './world.ts';

const INPUT = utf8('in');
export const OUTPUT = utf8('out');
export const MESH = [MESH_FEATURE];

/** Keys of so many gateways: the same ones each time. */
export const gatewayKeys = (n: number): Promise<Signer[]> =>
  Promise.all(Array.from({ length: n }, (_, i) => createSigner(new Uint8Array(32).fill(100 + i))));

export type Gateway = LinkedNode & { did: string };

export class GatewayWorld {
  readonly edge: EdgeWorld;
  readonly channel: { ch: string; dir: 'a' | 'b' };
  #lanes = 0;

  private constructor(edge: EdgeWorld, channel: { ch: string; dir: 'a' | 'b' }) {
    this.edge = edge;
    this.channel = channel;
  }

  static async create(): Promise<GatewayWorld> {
    const edge = await createEdgeWorld();
    const { network, alice, bob } = edge;
    await edge.fund(alice);
    await edge.fund(bob);
    const now = edge.now();
    const about = { now, expires_at: String(now + 10 * FORWARD_KEEP_MS) };
    await edge.call('POST', '/v1/cards', { json: await makePublication(network, bob, about) });
    const { open, ...channel } = await makeOpen(network, alice, bob, { now });
    await edge.ledger.openChannel(open, null);
    const link = await linkNode(edge, bob, MESH);
    await link.ack();
    await link.drop();
    return new GatewayWorld(edge, channel);
  }

  async gateways(n: number): Promise<Gateway[]> {
    const nodes = [];
    for (const signer of await gatewayKeys(n)) {
      nodes.push({ ...(await linkNode(this.edge, signer, MESH)), did: signer.did });
    }
    return nodes;
  }

  async gateway(): Promise<Gateway> {
    const [gateway] = await this.gateways(1);
    if (gateway === undefined) throw new Error('no gateway');
    return gateway;
  }

  /** Alice submits a task for Bob. */
  async offer(): Promise<TaskPair> {
    const { network, alice, bob } = this.edge;
    this.#lanes += 1;
    const lane = String(this.#lanes);
    const about = { now: this.edge.now(), ...this.channel, lane, input: INPUT };
    const pair = await makeTask(network, alice, bob, about);
    const json = { manifest: pair.manifest, cond: pair.cond, input: encodeBase64url(INPUT) };
    const response = await this.edge.call('POST', '/v1/tasks', { json });
    if (response.status !== 202) throw new Error(`submit: ${response.status}`);
    await this.settled();
    return pair;
  }

  /** Forwards are handed over, and sent to the gateways that are linked. */
  async settled(...nodes: LinkedNode[]): Promise<void> {
    await this.edge.hub.forwarded();
    await this.edge.hub.tick();
    for (const { session } of nodes) await session.settled();
  }

  /** Until a forward without an answer is late, while the links of these nodes stay up. */
  async passUntilLate(nodes: readonly LinkedNode[]): Promise<void> {
    for (let passed = 0; passed < FORWARD_LATE_MS; passed += LINK_HEARTBEAT_MS) {
      await this.edge.pass(LINK_HEARTBEAT_MS);
      for (const { say } of nodes) await say('presence', { queue: 0, running: 0, capacity: 1 });
      await this.edge.hub.tick();
    }
  }

  rows(sql: string): Promise<Row[]> {
    return this.edge.directory.read({ sql, args: [] });
  }

  waiting(did: string): Promise<Row[]> {
    return this.rows(`SELECT type FROM outbox WHERE did = '${did}'`);
  }

  async stateOf(pair: TaskPair): Promise<unknown> {
    const { edge } = this;
    const response = await edge.call('GET', `/v1/tasks/${pair.id}`, { signer: edge.alice });
    const answer: { state?: unknown } = await response.json();
    return answer.state;
  }

  async accepted(pair: TaskPair, by: Signer = this.edge.bob) {
    const body = await makeAccept(this.edge.network, by, pair, this.edge.now() + 9_000);
    return { from: this.edge.bob.did, type: 'task.accept', body } as const;
  }

  async result(pair: TaskPair, change: Parameters<typeof makeReceipt>[4] = {}) {
    const { network, bob } = this.edge;
    const about = { now: this.edge.now(), output: OUTPUT };
    const receipt = await makeReceipt(network, bob, pair, about, change);
    const body = { receipt, output: encodeBase64url(OUTPUT) };
    return { from: bob.did, type: 'task.result', body } as const;
  }

  /** Another worker on the same databases, with none of the links. */
  forwardsBeside(): Forwards {
    const { links, network } = this.edge;
    const rng = { bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)) };
    return createForwards({ ...links, network, rng, wake: () => {} });
  }

  workerBeside(): ProcessHub {
    const timers = { after: () => () => {}, every: () => () => {} };
    const forwards = this.forwardsBeside();
    return createProcessHub({ ...this.edge.links, timers, forwards });
  }
}

export const forwardsTo = ({ messages }: LinkedNode) =>
  messages().filter(({ type }) => type === 'mesh.forward');
