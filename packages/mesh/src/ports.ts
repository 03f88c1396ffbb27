/** What the mesh needs from its surroundings, and the doors behind which libp2p stands. */
import type { Did, Result } from '@zerostate/shared';

export interface Clock {
  /** ms since the epoch. */
  now(): number;
}

export interface Rng {
  /** Bytes that nobody can guess. */
  bytes(length: number): Uint8Array;
}

/** Stops what a timer would have done; harmless afterwards. */
export type Cancel = () => void;

export interface Timers {
  after(ms: number, f: () => void): Cancel;
  every(ms: number, f: () => void): Cancel;
}

/** A line of the node's journal: what happened, and its figures. */
export interface Log {
  info(event: string, fields?: Record<string, unknown>): void;
  warn(event: string, fields?: Record<string, unknown>): void;
  error(event: string, fields?: Record<string, unknown>): void;
}

/** Why a stream gave no more bytes. */
export type StreamCode = 'stream-reset' | 'deadline';

/** One stream to one peer. Its identity is proven: noise binds the connection to the DID. */
export interface PeerStream {
  readonly peer: Did;
  /** Through a relay. */
  readonly isRelayed: boolean;
  /** The next bytes that arrived; null at the end. Unread bytes hold the sender back. */
  read(signal: AbortSignal): Promise<Result<Uint8Array | null, StreamCode>>;
  /** Takes the bytes; resolves when the stream has room for more. */
  write(bytes: Uint8Array, signal: AbortSignal): Promise<Result<void, StreamCode>>;
  /** Nothing more will be written. */
  end(signal: AbortSignal): Promise<Result<void, StreamCode>>;
  /** Throws the stream away; the other side sees a reset. */
  abort(reason: string): void;
}

export type OpenCode =
  | 'peer-unreachable'
  | 'address-refused'
  | 'address-invalid'
  | 'peer-differs'
  | 'protocol-unsupported'
  | 'deadline'
  | 'stopped';

export interface PeerConnection {
  /** Names the connection within this node. */
  id: string;
  did: Did;
  address: string;
  direction: 'inbound' | 'outbound';
  isRelayed: boolean;
  /** ms since the epoch. */
  openedAt: number;
}

export type StreamHandler = (stream: PeerStream) => Promise<void>;

/** Connections and streams. */
export interface Wire {
  readonly did: Did;
  /** Addresses where others can reach this node now, each ending in its peer id. */
  addresses(): string[];
  connections(): PeerConnection[];
  isConnected(peer: Did): boolean;
  /** Connects to a DID whose addresses are known, or to a full address. */
  connect(target: string, signal: AbortSignal): Promise<Result<Did, OpenCode>>;
  disconnect(peer: Did): Promise<void>;
  /** Ends one connection at once, as if the peer had died. */
  condemn(connection: string): void;
  open(peer: Did, protocol: string, signal: AbortSignal): Promise<Result<PeerStream, OpenCode>>;
  handle(protocol: string, inboundMax: number, handler: StreamHandler): Promise<void>;
  /** Sends bytes over one connection and has them back; false when they do not come. */
  probe(connection: string, signal: AbortSignal): Promise<boolean>;
  /** Remembers where a peer may be reached. */
  learn(peer: Did, addresses: readonly string[]): Promise<void>;
  /** Called for a peer's first connection, its last, and each that ends. */
  watch(events: WireEvents): Cancel;
}

export interface WireEvents {
  up?: (peer: Did) => void;
  down?: (peer: Did) => void;
  closed?: (connection: string, peer: Did) => void;
}

export type Verdict = 'accept' | 'ignore' | 'reject';

/** Publish and subscribe; a message spreads only after `validate` accepted it. */
export interface Gossip {
  subscribe(topic: string, validate: (from: Did, data: Uint8Array) => Promise<Verdict>): void;
  /** Returns how many peers it was handed to. */
  publish(topic: string, data: Uint8Array): Promise<number>;
  subscribers(topic: string): Did[];
}

/** dht-no-address: nobody could reach this node, and the table takes nobody like that. */
export type DhtCode = 'dht-no-peers' | 'dht-no-address' | 'dht-failed' | 'deadline';

/** A peer and where it may be reached. */
export interface Found {
  did: Did;
  addresses: string[];
}

/** The distributed table: values under keys, and who has what. */
export interface Dht {
  /** Returns how many peers took the value. */
  put(key: string, value: Uint8Array, signal: AbortSignal): Promise<Result<number, DhtCode>>;
  /** Every answer that passed the validator, best last. */
  get(key: string, signal: AbortSignal): Promise<Result<Uint8Array[], DhtCode>>;
  provide(key: Uint8Array, signal: AbortSignal): Promise<Result<number, DhtCode>>;
  unprovide(key: Uint8Array): Promise<void>;
  providers(key: Uint8Array, max: number, signal: AbortSignal): Promise<Result<Found[], DhtCode>>;
}

/** What the DHT asks about values under one namespace. */
export interface RecordRules {
  validate(key: string, value: Uint8Array): Promise<boolean>;
  /** Index of the best of several valid values. */
  select(key: string, values: readonly Uint8Array[]): number;
}
