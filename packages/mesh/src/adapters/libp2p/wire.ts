import type { Connection, Libp2p } from '@libp2p/interface';
import { type Multiaddr, multiaddr } from '@multiformats/multiaddr';
import { type Did, err, ok, type Result } from '@zerostate/shared';
import type { Counters } from '../../counters.ts';
import { ACCOUNTS_MAX, ADDRESSES_PER_PEER_MAX, STREAMS_PER_CONNECTION_MAX } from '../../limits.ts';
import type {
  Cancel,
  OpenCode,
  PeerConnection,
  PeerStream,
  StreamHandler,
  Wire,
  WireEvents,
} from '../../ports.ts';
import { didOfPeer, isCircuit, peerOfDid } from './identity.ts';
import { pingOver } from './muxer.ts';
import { Libp2pStream } from './stream.ts';

/** Connections and streams of a libp2p node, by DID. */
export class Libp2pWire implements Wire {
  readonly did: Did;
  readonly #node: Libp2p;
  readonly #counters: Counters;
  /**
   * Addresses that others said a peer has. Identify replaces what libp2p knows by what the peer
   * listens on at that moment: while one of its relays is down, that relay would be forgotten.
   */
  readonly #learned = new Map<Did, Multiaddr[]>();
  readonly #descriptions = new WeakMap<Connection, PeerConnection>();

  constructor(node: Libp2p, did: Did, counters: Counters) {
    this.#node = node;
    this.#counters = counters;
    this.did = did;
  }

  addresses(): string[] {
    return this.#node.getMultiaddrs().map(String);
  }

  connections(): PeerConnection[] {
    return this.#node.getConnections().flatMap((connection) => {
      return connection.status === 'open' ? (this.#described(connection) ?? []) : [];
    });
  }

  isConnected(peer: Did): boolean {
    const id = peerOfDid(peer);
    return id.ok && this.#node.getConnections(id.value).length > 0;
  }

  async connect(target: string, signal: AbortSignal): Promise<Result<Did, OpenCode>> {
    const to = targetOf(target);
    if (to === null) return err('address-invalid', target.slice(0, 200));
    try {
      if (!target.startsWith('/')) await this.#remind(target);
      const { remotePeer } = await this.#node.dial(to, { signal });
      const did = didOfPeer(remotePeer);
      return did.ok ? did : err('peer-differs', did.code);
    } catch (cause) {
      return failed(cause, signal);
    }
  }

  async disconnect(peer: Did): Promise<void> {
    const id = peerOfDid(peer);
    if (id.ok) await this.#node.hangUp(id.value).catch(() => undefined);
  }

  condemn(connection: string): void {
    this.#connection(connection)?.abort(new Error('condemned: no answer'));
  }

  async open(
    peer: Did,
    protocol: string,
    signal: AbortSignal,
  ): Promise<Result<PeerStream, OpenCode>> {
    const id = peerOfDid(peer);
    if (!id.ok) return err('address-invalid', peer.slice(0, 200));
    try {
      let connection = this.#best(this.#node.getConnections(id.value));
      if (connection === undefined) {
        await this.#remind(peer);
        connection = await this.#node.dial(id.value, { signal });
      }
      const stream = await connection.newStream(protocol, { signal, runOnLimitedConnection: true });
      return ok(new Libp2pStream(stream, peer, isCircuit(connection.remoteAddr)));
    } catch (cause) {
      return failed(cause, signal);
    }
  }

  async handle(protocol: string, inboundMax: number, handler: StreamHandler): Promise<void> {
    const open = new Map<Did, number>();
    await this.#node.handle(
      protocol,
      (stream, connection) => {
        const peer = didOfPeer(connection.remotePeer);
        if (!peer.ok) return stream.abort(new Error(peer.code));
        // libp2p counts the streams of each connection; a peer may have several.
        const count = open.get(peer.value) ?? 0;
        if (count >= inboundMax) {
          this.#counters.add('streams-over-limit');
          return stream.abort(new Error('too many streams of this protocol'));
        }
        open.set(peer.value, count + 1);
        stream.addEventListener('close', () => {
          const left = (open.get(peer.value) ?? 1) - 1;
          if (left > 0) open.set(peer.value, left);
          else open.delete(peer.value);
        });
        return handler(new Libp2pStream(stream, peer.value, isCircuit(connection.remoteAddr)));
      },
      { maxInboundStreams: STREAMS_PER_CONNECTION_MAX, runOnLimitedConnection: true },
    );
  }

  async probe(connection: string, signal: AbortSignal): Promise<boolean> {
    const probed = this.#connection(connection);
    return probed?.status === 'open' && (await pingOver(probed, signal));
  }

  async learn(peer: Did, addresses: readonly string[]): Promise<void> {
    const multiaddrs = addresses.slice(0, ADDRESSES_PER_PEER_MAX).flatMap((address) => {
      return parseAddress(address) ?? [];
    });
    if (multiaddrs.length === 0) return;
    this.#learned.delete(peer);
    this.#learned.set(peer, multiaddrs);
    if (this.#learned.size > ACCOUNTS_MAX) {
      const oldest = this.#learned.keys().next();
      if (oldest.done !== true) this.#learned.delete(oldest.value);
    }
    await this.#remind(peer);
  }

  watch(events: WireEvents): Cancel {
    const stop = new AbortController();
    const { signal } = stop;
    const told = (f: ((peer: Did) => void) | undefined) => (event: CustomEvent) => {
      const did = didOfPeer(event.detail);
      if (did.ok) f?.(did.value);
    };
    this.#node.addEventListener('peer:connect', told(events.up), { signal });
    this.#node.addEventListener('peer:disconnect', told(events.down), { signal });
    this.#node.addEventListener(
      'connection:close',
      ({ detail }) => {
        const did = didOfPeer(detail.remotePeer);
        if (did.ok) events.closed?.(detail.id, did.value);
      },
      { signal },
    );
    return () => stop.abort();
  }

  /** Adds what was learned to what libp2p will dial. */
  async #remind(peer: Did): Promise<void> {
    const id = peerOfDid(peer);
    const multiaddrs = this.#learned.get(peer);
    if (id.ok && multiaddrs !== undefined)
      await this.#node.peerStore.merge(id.value, { multiaddrs });
  }

  /** Asked for twice a second for each connection: what is said of one never changes. */
  #described(connection: Connection): PeerConnection | null {
    const known = this.#descriptions.get(connection);
    if (known !== undefined) return known;
    const did = didOfPeer(connection.remotePeer);
    if (!did.ok) return null;
    const { id, remoteAddr, direction, timeline } = connection;
    const isRelayed = isCircuit(remoteAddr);
    const address = remoteAddr.toString();
    const openedAt = timeline.open;
    const described = { id, did: did.value, address, direction, isRelayed, openedAt };
    this.#descriptions.set(connection, described);
    return described;
  }

  #connection(id: string): Connection | undefined {
    return this.#node.getConnections().find((connection) => connection.id === id);
  }

  /** A direct connection before a relayed one, the newest before older ones. */
  #best(connections: readonly Connection[]): Connection | undefined {
    return connections
      .filter(({ status }) => status === 'open')
      .sort(
        (x, y) =>
          Number(isCircuit(x.remoteAddr)) - Number(isCircuit(y.remoteAddr)) ||
          y.timeline.open - x.timeline.open,
      )[0];
  }
}

/** A DID, or an address. */
function targetOf(target: string) {
  if (target.startsWith('/')) return parseAddress(target);
  const peer = peerOfDid(target);
  return peer.ok ? peer.value : null;
}

function parseAddress(text: string): Multiaddr | null {
  try {
    return multiaddr(text);
  } catch {
    return null;
  }
}

function failed(cause: unknown, signal: AbortSignal): Result<never, OpenCode> {
  if (signal.aborted) return err('deadline');
  const { name, message } = cause instanceof Error ? cause : new Error(String(cause));
  const detail = message.split('\n', 1)[0]?.slice(0, 200) ?? name;
  if (name === 'UnsupportedProtocolError') return err('protocol-unsupported', detail);
  if (name === 'NotStartedError') return err('stopped', detail);
  if (name === 'DialDeniedError') return err('address-refused', detail);
  const errors: unknown = cause instanceof AggregateError ? cause.errors : [];
  const causes = [message, ...(Array.isArray(errors) ? errors.map(String) : [])].join(' ');
  if (/UnexpectedPeer|Payload identity key|expected peer/i.test(causes + name)) {
    return err('peer-differs', detail);
  }
  return err('peer-unreachable', detail);
}
