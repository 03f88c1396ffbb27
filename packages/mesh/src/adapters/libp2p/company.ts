import { getRandomValues } from 'node:crypto';
import type { Libp2p } from '@libp2p/interface';
import {
  COMPANY_MIN,
  COMPANY_MS,
  COMPANY_PATIENT_MS,
  COMPANY_SOON_MS,
  COMPANY_WALK_MS,
} from '../../limits.ts';

const KEY_BYTES = 32;

/**
 * Keeps a node connected with several others. libp2p connects with whoever a query happens to
 * meet: most nodes of a young network would know their bootstrap node alone, hear every message
 * from it or not at all, and be alone once it is gone. A walk to a random place of the table meets
 * strangers that nobody could choose for this node.
 */
export class Company {
  #node: Libp2p | null;
  #timer: NodeJS.Timeout | undefined;

  constructor() {
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
    if (isLacking) await walk(node, AbortSignal.timeout(COMPANY_WALK_MS)).catch(() => undefined);
    const isHelped = node.getPeers().length > before;
    if (!isLacking) this.#later(COMPANY_MS);
    else this.#later(isHelped ? COMPANY_SOON_MS : COMPANY_PATIENT_MS);
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
