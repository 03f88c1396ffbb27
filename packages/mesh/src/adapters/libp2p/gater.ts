import { lookup } from 'node:dns/promises';
import type { ConnectionGater, PeerId } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import type { Did } from '@zerostate/shared';
import { isPublicHost, type Resolve } from '../../addresses/policy.ts';
import { didOfPeer } from './identity.ts';

export interface Membership {
  /** Loopback and private addresses may be dialled: a network of one's own. */
  allowPrivate: boolean;
  /** Whether this DID may be connected with at all. */
  admits: (did: Did) => boolean;
  /** Addresses that the operator configured; dialled whatever they are. */
  trusted: readonly string[];
  refused: (reason: 'address' | 'member', detail: string) => void;
  resolve?: Resolve;
}

/** What only a relay asks. */
export interface RelayGate {
  denyReservation(source: Did): boolean;
  denyCircuit(source: Did, destination: Did): boolean;
}

/** Who may connect, and which addresses are dialled (mesh.md, Authentication). */
export function createGater(membership: Membership, relay?: RelayGate): ConnectionGater {
  const denies = (peer: PeerId): boolean => {
    const did = didOfPeer(peer);
    if (did.ok && membership.admits(did.value)) return false;
    membership.refused('member', did.ok ? did.value : peer.toString());
    return true;
  };
  return {
    denyDialPeer: denies,
    denyInboundEncryptedConnection: denies,
    denyOutboundEncryptedConnection: denies,
    denyInboundRelayedConnection: (_, remote) => denies(remote),
    denyDialMultiaddr: async (address) => !(await mayDial(membership, address)),
    ...(relay === undefined ? {} : relayHooks(relay)),
  };
}

function relayHooks(relay: RelayGate): ConnectionGater {
  return {
    denyInboundRelayReservation(source) {
      const did = didOfPeer(source);
      return !did.ok || relay.denyReservation(did.value);
    },
    denyOutboundRelayedConnection(source, destination) {
      const [from, to] = [didOfPeer(source), didOfPeer(destination)];
      return !from.ok || !to.ok || relay.denyCircuit(from.value, to.value);
    },
  };
}

async function mayDial(membership: Membership, address: Multiaddr): Promise<boolean> {
  if (membership.allowPrivate) return true;
  const text = address.toString();
  if (membership.trusted.some((trusted) => isAt(text, trusted))) return true;
  const host = hostOf(address);
  if (host !== null && (await isPublicHost(host, membership.resolve ?? resolveName))) return true;
  membership.refused('address', text);
  return false;
}

/** Whether an address is at the socket of a trusted one; who answers there, noise proves. */
function isAt(address: string, trusted: string): boolean {
  const socket = trusted.replace(/\/p2p\/.*$/, '');
  return address === socket || address.startsWith(`${socket}/`);
}

/** The host that a socket would be opened to: the first component that names one. */
function hostOf(address: Multiaddr): string | null {
  const host = address
    .getComponents()
    .find(({ name }) => /^(ip4|ip6|dns|dns4|dns6|dnsaddr)$/.test(name));
  return host?.value ?? null;
}

async function resolveName(name: string): Promise<string[]> {
  const answers = await lookup(name, { all: true }).catch(() => []);
  return answers.map(({ address }) => address);
}
