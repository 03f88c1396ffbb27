import type { ConnectionGater, Libp2p, PeerDiscovery, PeerInfo } from '@libp2p/interface';
import { type MulticastDNSComponents, mdns } from '@libp2p/mdns';
import type { Multiaddr } from '@multiformats/multiaddr';
import { isLanIp } from '../../addresses/policy.ts';
import { LOCAL_DIALS_MAX, LOCAL_PEERS_MAX } from '../../limits.ts';

const SERVICE = 'zerostate.local';

/**
 * Peers on this machine's own network, found by multicast DNS. libp2p notes what it hears and
 * dials nobody: here each is dialled, at the network's private addresses too, because whoever
 * turns this on means them. Never at loopback or link-local ones: those may be services that only
 * this machine reaches.
 */
export class LocalPeers {
  readonly #isOn: boolean;
  #node: Libp2p | null;
  /** Addresses as they were heard, by peer; the one not heard for longest is forgotten. */
  readonly #heard = new Map<string, readonly string[]>();
  readonly #dialling = new Set<string>();

  constructor(isOn: boolean) {
    this.#isOn = isOn;
    this.#node = null;
  }

  discovery(): ((components: MulticastDNSComponents) => PeerDiscovery)[] {
    if (!this.#isOn) return [];
    const make = mdns({ serviceTag: SERVICE });
    return [
      (components) => {
        const discovery = make(components);
        discovery.addEventListener('peer', ({ detail }) => this.#met(detail));
        return discovery;
      },
    ];
  }

  attach(node: Libp2p): void {
    this.#node = node;
  }

  /** The gater, with the local addresses that were heard let through. */
  gater(gater: ConnectionGater): ConnectionGater {
    if (!this.#isOn) return gater;
    return {
      ...gater,
      denyDialMultiaddr: async (address) =>
        !this.#isLocal(address) && ((await gater.denyDialMultiaddr?.(address)) ?? false),
    };
  }

  #isLocal(address: Multiaddr): boolean {
    const [host] = address.getComponents();
    if (host === undefined || !isLanIp(host.value ?? '')) return false;
    const text = address.toString();
    return [...this.#heard.values()].some((known) =>
      known.some((one) => text === one || text.startsWith(`${one}/p2p/`)),
    );
  }

  #met({ id, multiaddrs }: PeerInfo): void {
    const [node, peer] = [this.#node, id.toString()];
    const isFull = this.#dialling.size >= LOCAL_DIALS_MAX || this.#dialling.has(peer);
    if (node === null || isFull || node.peerId.equals(id)) return;
    this.#heard.delete(peer);
    if (this.#heard.size >= LOCAL_PEERS_MAX) {
      const oldest = this.#heard.keys().next();
      if (oldest.done !== true) this.#heard.delete(oldest.value);
    }
    this.#heard.set(peer, multiaddrs.map(String));
    if (node.getConnections(id).length > 0) return;
    this.#dialling.add(peer);
    const targets = multiaddrs.map((address) => address.encapsulate(`/p2p/${peer}`));
    // A neighbour that does not answer is heard again in ten seconds.
    void node
      .dial(targets)
      .catch(() => undefined)
      .finally(() => this.#dialling.delete(peer));
  }
}
