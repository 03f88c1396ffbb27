/** A process of mesh nodes, told what to do by the bench that forked it. */
import type { Mesh } from '@zerostate/mesh';
import { createSigner } from '@zerostate/shared';
import { signedCard } from '../packages/mesh/src/testing/cards.ts';
import { addressOf, TestMesh } from '../packages/mesh/src/testing/nodes.ts';

export type NodesOrder =
  /** Starts nodes `first` and following, one after the other; the very first has no bootstrap. */
  | {
      readonly do: 'start';
      readonly first: number;
      readonly count: number;
      readonly bootstrap: string | null;
    }
  /** The first node here signs a card of its own and tells it. */
  | { readonly do: 'tell'; readonly agent: string }
  /** The nodes here note when they have this card. */
  | { readonly do: 'await'; readonly did: string; readonly agent: string };

export interface NodesReport {
  /** DID and address of the first node here. */
  readonly did: string | null;
  readonly address: string | null;
  /** How many listen to each node that has started. */
  readonly listeners: readonly number[];
  /** The card that is awaited here, and who has it since when. ms since the epoch. */
  readonly awaited: string | null;
  readonly told: number | null;
  readonly heard: readonly number[];
}

const LOOK_MS = 5;
const REPORT_MS = 200;

const mesh = new TestMesh();
const nodes: Mesh[] = [];
let first = 0;
let awaited: { did: string; agent: string } | null = null;
let told: number | null = null;
const heard = new Map<Mesh, number>();

process.on('message', (order: NodesOrder) => {
  if (order.do === 'start') void start(order);
  else if (order.do === 'tell') void tell(order.agent);
  else {
    [awaited, told] = [order, null];
    heard.clear();
  }
});
process.on('disconnect', () => {
  clearInterval(reports);
  void mesh.stop().then(() => process.exit(0));
});

async function start(order: NodesOrder & { do: 'start' }): Promise<void> {
  first = order.first;
  for (let n = 0; n < order.count; n++) {
    const bootstrap = order.bootstrap ?? (nodes[0] === undefined ? null : addressOf(nodes[0]));
    const config = bootstrap === null ? {} : { bootstrap: [bootstrap] };
    nodes.push(await mesh.node(config, { seed: seedOf(first + n) }));
  }
}

async function tell(agent: string): Promise<void> {
  const signed = await signedCard(await createSigner(seedOf(first)), agent, 1, Date.now());
  told = Date.now();
  await nodes[0]?.gossip.tellCard(signed);
}

function seedOf(n: number): Uint8Array {
  const seed = new Uint8Array(32).fill(50);
  new DataView(seed.buffer).setUint32(0, n);
  return seed;
}

setInterval(() => {
  if (awaited === null) return;
  for (const node of nodes) {
    if (!heard.has(node) && node.book.card(awaited.did, awaited.agent) !== null) {
      heard.set(node, Date.now());
    }
  }
}, LOOK_MS);

const reports = setInterval(() => {
  const [node] = nodes;
  const report: NodesReport = {
    did: node?.did ?? null,
    address: node === undefined ? null : addressOf(node),
    // Counting them costs something, and is of no interest any more.
    listeners: awaited === null ? nodes.map(({ gossip }) => gossip.listeners()) : [],
    awaited: awaited?.agent ?? null,
    told,
    heard: [...heard.values()],
  };
  // A bench that ended hears nothing more.
  process.send?.(report, () => {});
}, REPORT_MS);
