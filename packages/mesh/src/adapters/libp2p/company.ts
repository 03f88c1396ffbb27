import { getRandomValues } from 'node:crypto';
import type { Libp2p, PeerId } from '@libp2p/interface';
import {
  COMPANY_MIN,
  COMPANY_MS,
  COMPANY_PATIENT_MS,
  COMPANY_SOON_MS,
  COMPANY_WALK_MS,
} from '../../limits.ts';

/** The distributed table's own protocol: nodes of other networks never answer to it. */
export const DHT_PROTOCOL = '/zerostate/kad/1.0.0';
const KEY_BYTES = 32;

/** What is used of kad-dht's routing table; its exported type has the size alone. */
interface Table {
  readonly size: number;
  add(peer: PeerId, options: { signal: AbortSignal }): Promise<void>;
}

/** The routing table of a kad-dht service. */
export function tableOf(dht: object): Table {
  const table: unknown = Reflect.get(dht, 'routingTable');
  if (!isTable(table)) throw new Error('kad-dht has no routing table where it had one');
  return table;
}

function isTable(value: unknown): value is Table {
  return typeof value === 'object' && value !== null && 'add' in value && 'size' in value;
}

/**
 * Keeps a node connected with several others. libp2p connects with whoever a query happens to
 * meet: most nodes of a young network would know their bootstrap node alone, hear every message
 * from it or not at all, and be alone once it is gone. A walk to a random place of the table meets
 * strangers that nobody could choose for this node.
 */
export class Company {
  readonly #table: Table;
  #node: Libp2p | null;
  #timer: NodeJS.Timeout | undefined;

  constructor(table: Table) {
    this.#table = table;
    this.#node = null;
    this.#timer = undefined;
  }

  attach(node: Libp2p): void {
    this.#node = node;
    node.addEventListener('start', () => this.#later(COMPANY_SOON_MS));
    node.addEventListener('stop', () => {
      this.#node = null;
      clearTimeout(this.#timer);
    });
  }

  #later(ms: number): void {
    if (this.#node === null) return;
    const [byte = 128] = getRandomValues(new Uint8Array(1));
    this.#timer = setTimeout(() => void this.#look(), ms * (0.75 + byte / 512));
    this.#timer.unref();
  }

  async #look(): Promise<void> {
    const node = this.#node;
    if (node === null) return;
    const before = node.getPeers().length;
    // Without anybody there is nobody to ask: finding the first one is the bootstrap's work.
    const isLacking = before > 0 && before < COMPANY_MIN;
    if (isLacking) await this.#fillTable(node);
    if (isLacking) await walk(node, AbortSignal.timeout(COMPANY_WALK_MS)).catch(() => undefined);
    const isHelped = node.getPeers().length > before;
    if (!isLacking) this.#later(COMPANY_MS);
    else this.#later(isHelped ? COMPANY_SOON_MS : COMPANY_PATIENT_MS);
  }

  /**
   * A peer whose first probe is late never comes into the table, and libp2p does not try again: a
   * node that knows only that one would ask nobody for ever.
   */
  async #fillTable(node: Libp2p): Promise<void> {
    const table = this.#table;
    if (table.size > 0) return;
    const signal = AbortSignal.timeout(COMPANY_WALK_MS);
    for (const peer of node.getPeers()) {
      const known = await node.peerStore.get(peer).catch(() => null);
      if (known?.protocols.includes(DHT_PROTOCOL) !== true) continue;
      await table.add(peer, { signal }).catch(() => undefined);
    }
  }
}

/** Asks who is near a random key, and dials those that answer to it until there are enough. */
async function walk(node: Libp2p, signal: AbortSignal): Promise<void> {
  const key = getRandomValues(new Uint8Array(KEY_BYTES));
  for await (const { id, multiaddrs } of node.peerRouting.getClosestPeers(key, { signal })) {
    if (node.getPeers().length >= COMPANY_MIN) return;
    const isKnown = node.getConnections(id).length > 0;
    if (isKnown || multiaddrs.length === 0 || node.peerId.equals(id)) continue;
    const addresses = multiaddrs.map((address) =>
      address.toString().includes('/p2p/') ? address : address.encapsulate(`/p2p/${id}`),
    );
    await node.dial(addresses, { signal }).catch(() => undefined);
  }
}
