import { expect } from 'vitest';
import { buildNetworks, RELAY_AT, removeNetworks } from './networks.ts';
import { Peer } from './peer.ts';
import type { PeerConfig } from './peer-config.ts';

const LISTEN = ['/ip4/0.0.0.0/tcp/4001'];
/** Within this everything here comes about, or never. */
const WAIT_MS = 60_000;

/** Peers in namespaces; whatever a test does, `close` leaves nothing of them. */
export class NetworkWorld {
  readonly #peers: Peer[] = [];
  readonly #remove = (): void => removeNetworks();

  open(): void {
    process.once('exit', this.#remove);
    buildNetworks();
  }

  async close(): Promise<void> {
    try {
      await Promise.all(this.#peers.splice(0).map((peer) => peer.stop()));
    } finally {
      removeNetworks();
      process.removeListener('exit', this.#remove);
    }
  }

  async start(place: Parameters<typeof Peer.start>[0], config: PeerConfig): Promise<Peer> {
    const peer = await Peer.start(place, config);
    this.#peers.push(peer);
    return peer;
  }

  /** A relay at a port; it announces both of its addresses. */
  relay(port: number): Promise<Peer> {
    const announce = Object.values(RELAY_AT).map((host) => `/ip4/${host}/tcp/${port}`);
    const listen = [`/ip4/0.0.0.0/tcp/${port}`];
    return this.start('relay', { seed: port % 256, isRelay: true, listen, announce });
  }

  executor(relays: readonly Peer[], config: Partial<PeerConfig> = {}): Promise<Peer> {
    const addresses = relays.map((relay) => at(relay, RELAY_AT.left));
    return this.start('left', { seed: 2, listen: LISTEN, relays: addresses, ...config });
  }

  caller(): Promise<Peer> {
    return this.start('right', { seed: 3, listen: LISTEN });
  }
}

/** The address of a peer at one of its hosts. */
export function at(peer: Peer, host: string): string {
  const found = peer.addresses.find((one) => one.includes(`/${host}/`));
  if (found === undefined) throw new Error(`no address at ${host} in ${peer.addresses.join()}`);
  return found;
}

/** An executor's address through a relay, as a caller on the right dials it. */
export function through(relay: Peer, executor: Peer): string {
  const [direct = ''] = executor.addresses;
  return `${at(relay, RELAY_AT.right)}/p2p-circuit/p2p/${direct.slice(direct.lastIndexOf('/') + 1)}`;
}

type Reserved = { relay: string; state: string; problem: { code: string } | null };

export async function relaysOf(peer: Peer): Promise<Reserved[]> {
  const { relays } = await peer.ask({ do: 'status' });
  // The node's own status, as it was written by its own code a moment ago.
  return Array.isArray(relays) ? (relays as Reserved[]) : [];
}

export async function isReserved(peer: Peer, relay: Peer): Promise<boolean> {
  const address = at(relay, RELAY_AT.left);
  return (await relaysOf(peer)).some((one) => one.relay === address && one.state === 'reserved');
}

/** ms until `found`; what never comes fails with its name and what `seen` says. */
export async function timeUntil(
  what: string,
  found: () => Promise<boolean>,
  seen: () => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  while (!(await found())) {
    if (performance.now() - start > WAIT_MS) {
      expect.fail(`waited ${WAIT_MS} ms until ${what}: ${JSON.stringify(await seen(), null, 1)}`);
    }
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  }
  return performance.now() - start;
}
