import {
  type CircuitRelayTransportComponents,
  circuitRelayTransport,
} from '@libp2p/circuit-relay-v2';
import type { Libp2p, Listener, PeerId, Transport } from '@libp2p/interface';
import { multiaddr } from '@multiformats/multiaddr';
import { type Did, err, ok, type Result } from '@zerostate/shared';
import { RESERVE_MS } from '../../limits.ts';
import { type PathMemory, relayOf } from '../../relay/path.ts';
import type { RelayDoor, ReserveCode } from '../../relay/supervisor.ts';
import { didOfPeer, peerOfDid } from './identity.ts';

const HOP = '/libp2p/circuit/relay/0.2.0/hop';
/** How often, and how long in all (1 s), a relay's protocols are waited for. */
const IDENTIFY_LOOK_MS = 25;
const IDENTIFY_LOOKS = 40;

/** What is used of the transport's reservation store; libp2p does not export its type. */
interface ReservationStore {
  hasReservation(peer: PeerId): boolean;
  addRelay(peer: PeerId, type: 'configured'): Promise<unknown>;
  relayFilter: { has(item: Uint8Array): boolean; add(item: Uint8Array): boolean };
}

/**
 * libp2p's relay transport, opened for the supervisor. Four of its habits are kept in check
 * (js-libp2p 3.3, circuit-relay-v2 4.2):
 * - `transportManager.listen` makes a new listener for each call and leaves it behind when the
 *   reservation fails: here each relay has one listener for good, which listens again;
 * - closing one listener forgets the reservations of all, so none is closed before the node stops;
 * - a relay that once failed a dial is never asked again (`relayFilter`): here nothing is
 *   filtered, the supervisor's backoff decides;
 * - a relayed dial through a relay without a reservation makes one more listener, whoever asks
 *   for it: here only the supervisor chooses relays.
 */
export class RelayClient implements RelayDoor {
  readonly #make: (components: CircuitRelayTransportComponents) => Transport;
  #store: ReservationStore | null;
  #components: CircuitRelayTransportComponents | null;
  #node: Libp2p | null;
  readonly #listeners = new Map<Did, Listener>();

  constructor() {
    this.#store = null;
    this.#components = null;
    this.#node = null;
    this.#make = circuitRelayTransport({
      // One at a time is libp2p's default: with two relays configured a dead one blocks the other.
      reservationConcurrency: 16,
      reservationCompletionTimeout: RESERVE_MS,
    });
  }

  /** The transport for libp2p; what dials through relays came to, `paths` remembers. */
  transport(paths: PathMemory): (components: CircuitRelayTransportComponents) => Transport {
    return (components) => {
      const transport = this.#make(withoutListening(components));
      this.#components = components;
      this.#store = storeOf(transport);
      remember(transport, paths);
      return transport;
    };
  }

  attach(node: Libp2p): void {
    this.#node = node;
  }

  /** libp2p may hold a reservation whose connection ended while it was made: that is none. */
  isReserved(relay: Did): boolean {
    const peer = peerOfDid(relay);
    if (!peer.ok || this.#store?.hasReservation(peer.value) !== true) return false;
    const connections = this.#node?.getConnections(peer.value) ?? [];
    return connections.some(({ status }) => status === 'open');
  }

  listeners(): number {
    const { transportManager } = this.#components ?? {};
    return transportManager?.getListeners().length ?? 0;
  }

  async reserve(address: string, signal: AbortSignal): Promise<Result<Did, ReserveCode>> {
    const [node, store] = [this.#node, this.#store];
    if (node === null || store === null) return err('relay-unreachable', 'not started');
    const connected = await connect(node, address, signal);
    if (!connected.ok) return connected;
    const { did, peer } = connected.value;
    // A relay that is starting accepts connections before it serves reservations.
    if (!(await servesReservations(node, peer, signal))) return err('relay-not-serving', did);
    try {
      // A reservation from an ended connection would pass for this one: it is made anew.
      if (store.hasReservation(peer)) await store.addRelay(peer, 'configured');
      else await this.#listen(did, address);
      return store.hasReservation(peer) ? ok(did) : err('relay-refused', did);
    } catch (cause) {
      return err('relay-refused', firstLine(cause));
    }
  }

  async #listen(relay: Did, address: string): Promise<void> {
    const circuit = multiaddr(address).encapsulate('/p2p-circuit');
    const known = this.#listeners.get(relay);
    if (known !== undefined) return known.listen(circuit);
    const manager = this.#components?.transportManager;
    if (manager === undefined) return;
    const before = new Set(manager.getListeners());
    // The listener is there as soon as the call returns its promise, and stays if that fails.
    const listening = manager.listen([circuit]);
    const listener = manager.getListeners().find((one) => !before.has(one));
    if (listener !== undefined) this.#listeners.set(relay, listener);
    await listening;
  }
}

async function connect(
  node: Libp2p,
  address: string,
  signal: AbortSignal,
): Promise<Result<{ did: Did; peer: PeerId }, ReserveCode>> {
  try {
    const { remotePeer } = await node.dial(multiaddr(address), { signal });
    const did = didOfPeer(remotePeer);
    return did.ok ? ok({ did: did.value, peer: remotePeer }) : err('relay-unreachable', did.code);
  } catch (cause) {
    return err('relay-unreachable', firstLine(cause));
  }
}

/** A connection is there before its peer has said what it speaks: waits a moment for that. */
async function servesReservations(node: Libp2p, peer: PeerId, signal: AbortSignal) {
  for (let looks = 0; looks < IDENTIFY_LOOKS && !signal.aborted; looks++) {
    const known = await node.peerStore.get(peer).catch(() => null);
    if (known?.protocols.includes(HOP) === true) return true;
    await new Promise<void>((resolve) => setTimeout(resolve, IDENTIFY_LOOK_MS));
  }
  return false;
}

/**
 * A dial through a relay that does not answer costs the whole limit of one address, and who waits
 * for less never comes to the next: the relay is tried last from then on. A relay that answers, if
 * only to say that the peer is not there, is not to blame.
 */
function remember(transport: Transport, paths: PathMemory): void {
  const dial = transport.dial.bind(transport);
  transport.dial = async (address, options) => {
    const relay = relayOf(address.toString());
    const ended = relay === null ? null : paths.dialling(relay);
    try {
      const connection = await dial(address, options);
      ended?.('connected');
      return connection;
    } catch (cause) {
      const isAnswer = cause instanceof Error && cause.name === 'InvalidMessageError';
      ended?.(isAnswer ? 'answered' : 'failed');
      throw cause;
    }
  };
}

/** The transport's own calls for more listeners come to nothing. */
function withoutListening(
  components: CircuitRelayTransportComponents,
): CircuitRelayTransportComponents {
  return new Proxy(components, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key);
      if (key !== 'transportManager' || typeof value !== 'object' || value === null) return value;
      return new Proxy(value, {
        get: (manager, name) =>
          name === 'listen'
            ? () => Promise.reject(new Error('only the supervisor chooses relays'))
            : bound(manager, name),
      });
    },
  });
}

function bound(target: object, name: string | symbol): unknown {
  const value: unknown = Reflect.get(target, name);
  return typeof value === 'function' ? value.bind(target) : value;
}

function storeOf(transport: Transport): ReservationStore {
  if (!('reservationStore' in transport) || !isStore(transport.reservationStore)) {
    throw new Error('circuit-relay-v2 has no reservation store where it had one');
  }
  transport.reservationStore.relayFilter = { has: () => false, add: () => true };
  return transport.reservationStore;
}

function isStore(value: unknown): value is ReservationStore {
  return (
    typeof value === 'object' && value !== null && 'addRelay' in value && 'relayFilter' in value
  );
}

function firstLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).split('\n', 1)[0] ?? '';
}
