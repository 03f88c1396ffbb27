import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CircuitRelayServerComponents,
  type CircuitRelayService,
  circuitRelayServer,
} from '@libp2p/circuit-relay-v2';
import type { Connection, Libp2p, PeerId, Stream, StreamHandler } from '@libp2p/interface';
import type { Did } from '@zerostate/shared';
import { RELAY_CONNECTIONS_MAX, RESERVATION_MS } from '../../limits.ts';
import type { RelayAccounting } from '../../relay/accounting.ts';
import type { RelayGate } from './gater.ts';
import { didOfPeer, peerOfDid } from './identity.ts';

/** Streams at the same time that relaying may hold open over one connection. */
const HOP_STREAMS_MAX = 256;

/** One relayed connection, from the request on. */
interface Circuit {
  source: Did;
  /** Known once the request is read and granted. */
  destination: Did | null;
}

/**
 * libp2p's relay server with an account for each DID. The server tells nobody who is connected
 * to whom; its gater hook does, and runs inside the handling of the stream that asks: an
 * AsyncLocalStorage carries the stream's circuit there.
 */
export class RelayService implements RelayGate {
  readonly service: (components: CircuitRelayServerComponents) => CircuitRelayService;
  readonly #accounting: RelayAccounting;
  readonly #circuit = new AsyncLocalStorage<Circuit>();
  #server: CircuitRelayService | null;

  constructor(accounting: RelayAccounting, reservationsMax: number) {
    this.#accounting = accounting;
    this.#server = null;
    const make = circuitRelayServer({
      maxInboundHopStreams: HOP_STREAMS_MAX,
      maxOutboundHopStreams: HOP_STREAMS_MAX,
      maxOutboundStopStreams: RELAY_CONNECTIONS_MAX,
      reservations: {
        maxReservations: reservationsMax,
        reservationTtl: RESERVATION_MS,
        // 128 KiB and two minutes a circuit would end a task: budgets a DID stand in their place.
        applyDefaultLimit: false,
      },
    });
    this.service = (components) => {
      this.#server = make(this.#metered(components));
      return this.#server;
    };
  }

  reservations(): number {
    return this.#server?.reservations.size ?? 0;
  }

  /**
   * libp2p's server keeps a reservation for its whole time after its holder has gone: peers that
   * come and go would fill the relay. Here it ends with the holder's last connection.
   */
  attach(node: Libp2p): void {
    node.addEventListener('peer:disconnect', ({ detail }) => this.#forget(detail));
  }

  denyReservation(source: Did): boolean {
    if (!this.#accounting.mayReserve(source)) return true;
    // Renewed twice in place, the timer of the first renewal stays armed and ends the reservation
    // and its circuits early (retimeable-signal 1.0.1): here each renewal is a new reservation.
    const peer = peerOfDid(source);
    if (peer.ok) this.#forget(peer.value);
    return false;
  }

  #forget(peer: PeerId): void {
    const reservations = this.#server?.reservations;
    // Its timer would end whatever reservation the peer has by then.
    reservations?.get(peer)?.signal.clear();
    reservations?.delete(peer);
  }

  denyCircuit(source: Did, destination: Did): boolean {
    if (!this.#accounting.mayOpen(source, destination)) return true;
    const circuit = this.#circuit.getStore();
    if (circuit === undefined) return true;
    circuit.destination = destination;
    this.#accounting.opened(source, destination);
    return false;
  }

  #metered(components: CircuitRelayServerComponents): CircuitRelayServerComponents {
    const { registrar } = components;
    const handle: typeof registrar.handle = (protocol, handler, options) =>
      registrar.handle(protocol, this.#meter(handler), options);
    const metered = new Proxy(registrar, {
      get(target, key) {
        if (key === 'handle') return handle;
        const value: unknown = Reflect.get(target, key);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return new Proxy(components, {
      get: (target, key) => (key === 'registrar' ? metered : Reflect.get(target, key)),
    });
  }

  #meter(handler: StreamHandler): StreamHandler {
    return (stream: Stream, connection: Connection) => {
      const source = didOfPeer(connection.remotePeer);
      if (!source.ok) {
        stream.abort(new Error('not an Ed25519 peer'));
        return undefined;
      }
      const circuit: Circuit = { source: source.value, destination: null };
      this.#watch(stream, circuit);
      return this.#circuit.run(circuit, () => handler(stream, connection));
    };
  }

  /** Everything that a circuit carries passes the stream of the peer that asked for it. */
  #watch(stream: Stream, circuit: Circuit): void {
    const count = (bytes: number): void => {
      const { source, destination } = circuit;
      if (destination === null || this.#accounting.relayed(source, destination, bytes)) return;
      stream.abort(new Error('over the byte budget of this relay'));
    };
    const send = stream.send.bind(stream);
    stream.send = (data) => {
      const hasRoom = send(data);
      count(data.byteLength);
      return hasRoom;
    };
    stream.addEventListener('message', (event) => count(event.data.byteLength));
    stream.addEventListener('close', () => {
      const { source, destination } = circuit;
      if (destination !== null) this.#accounting.closed(source, destination);
    });
  }
}
