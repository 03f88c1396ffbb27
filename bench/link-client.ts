/**
 * An executor's end of the edge link without the executor: real key, hello, heartbeat and waits. It
 * acknowledges what it gets, and says its presence again until the edge acknowledges it.
 */
import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  didFromPublicKey,
  edgeFrameSchema,
  LINK_DEAD_MS,
  LINK_HEARTBEAT_MS,
  type OutboxDatabase,
  type Signer,
} from '@zerostate/shared';
import { backoffMs } from '../apps/executor-node/src/link/backoff.ts';
import { sealHello } from '../apps/executor-node/src/link/handshake.ts';
import { dialRaw, type RawSocket } from './link-socket.ts';

/** From dialling to the welcome, as an executor waits for it. */
const HANDSHAKE_MS_MAX = 10_000;
/** A link that lasted this long was a good one: the next retry starts from the shortest wait. */
const STABLE_MS = 10_000;
/** What an executor says of itself once its link is up. */
const IDLE = JSON.stringify({ queue: 0, running: 0, capacity: 1 });
const RNG = { bytes: (length: number) => randomBytes(length) };

export interface LinkTarget {
  readonly host: string;
  readonly port: number;
  /** null: a bare server, which greets nobody. */
  readonly edge: { readonly did: string; readonly network: string } | null;
}

/** What a link's owner is told. */
export interface LinkEvents {
  dialled(): void;
  up(): void;
  /** A link that was up, or a try that was not; it is dialled again after the executor's wait. */
  down(reason: string, wasUp: boolean): void;
  /** A message of the edge's outbox, in order and once for each number. */
  message(db: OutboxDatabase, seq: number): void;
  /** A message of its own, once. */
  acknowledged(): void;
}

export class LinkClient {
  readonly #signer: Signer = newSigner();
  readonly #session = randomBytes(16).toString('base64url');
  readonly #from: string;
  readonly #events: LinkEvents;
  #target: LinkTarget | null = null;
  #socket: RawSocket | null = null;
  #timer: NodeJS.Timeout | null = null;
  #nonce = '';
  /** Highest number seen in each outbox of the edge; said, and acknowledged, of its own messages. */
  readonly #seen = { ledger: 0, directory: 0 };
  #said = 0;
  #acked = 0;
  #isUp: boolean = false;
  #heardAt = 0;
  #upAt = 0;
  #attempt = 0;

  constructor(from: string, events: LinkEvents) {
    this.#from = from;
    this.#events = events;
  }

  start(target: LinkTarget): void {
    this.#target = target;
    this.#attempt = 0;
    this.#dial(target);
  }

  /** Hangs up for good. */
  stop(): void {
    this.#target = null;
    this.#cancel();
    this.#socket?.close();
    this.#socket = null;
  }

  #dial(target: LinkTarget): void {
    const { host, port, edge } = target;
    const path = `/v1/link?did=${encodeURIComponent(this.#signer.did)}`;
    this.#isUp = false;
    this.#events.dialled();
    this.#timer = setTimeout(() => this.#drop('silent'), HANDSHAKE_MS_MAX);
    const socket = dialRaw(
      { host, port, path, from: this.#from },
      {
        open: () => (edge === null && this.#socket === socket ? this.#enter() : undefined),
        text: (text) => (this.#socket === socket ? this.#read(target, text) : undefined),
        closed: (reason) => (this.#socket === socket ? this.#drop(reason) : undefined),
      },
    );
    this.#socket = socket;
  }

  #read(target: LinkTarget, text: string): void {
    this.#heardAt = performance.now();
    if (text === '{"t":"pong"}') return;
    if (text === '{"t":"ping"}') {
      this.#socket?.send('{"t":"pong"}');
      return;
    }
    const frame = edgeFrameSchema.parse(JSON.parse(text));
    if (frame.t === 'nonce') void this.#greet(target, frame.nonce);
    else if (frame.t === 'error') this.#drop(frame.code);
    else if (frame.t === 'welcome') this.#welcome(frame.welcome.body);
    else if (frame.t === 'ack') this.#acknowledged(frame.n);
    else if (frame.t === 'msg') this.#message(frame.db, frame.seq);
  }

  #acknowledged(n: number): void {
    if (n <= this.#acked) return;
    this.#acked = n;
    this.#events.acknowledged();
  }

  #message(db: OutboxDatabase, seq: number): void {
    if (seq === this.#seen[db] + 1) {
      this.#seen[db] = seq;
      this.#events.message(db, seq);
    }
    this.#socket?.send(JSON.stringify({ t: 'ack', ...this.#seen }));
  }

  async #greet({ host, port, edge }: LinkTarget, nonce: string): Promise<void> {
    if (edge === null) return;
    const { did } = this.#signer;
    const pinned = { did, edge: `http://${host}:${port}`, edgeDid: edge.did, asset: 'unit' };
    const position = { session: this.#session, seen: this.#seen };
    const at = { ...pinned, network: edge.network };
    this.#nonce = nonce;
    const hello = await sealHello(at, { nonce, features: [] }, position, this.#signer);
    this.#socket?.send(JSON.stringify({ t: 'hello', hello }));
  }

  #welcome(body: unknown): void {
    const isOurs =
      typeof body === 'object' &&
      body !== null &&
      'nonce' in body &&
      'did' in body &&
      body.nonce === this.#nonce &&
      body.did === this.#signer.did;
    if (isOurs) {
      this.#enter();
      if (this.#said === this.#acked) this.#said++;
      this.#socket?.send(`{"t":"msg","n":${this.#said},"type":"presence","body":${IDLE}}`);
    } else this.#drop('welcome-not-for-us');
  }

  #enter(): void {
    this.#cancel();
    this.#isUp = true;
    this.#upAt = performance.now();
    this.#heardAt = this.#upAt;
    this.#timer = setInterval(() => this.#beat(), LINK_HEARTBEAT_MS);
    this.#events.up();
  }

  #beat(): void {
    if (performance.now() - this.#heardAt >= LINK_DEAD_MS) this.#drop('edge-silent');
    else this.#socket?.send('{"t":"ping"}');
  }

  #drop(reason: string): void {
    const wasUp = this.#isUp;
    this.#cancel();
    this.#isUp = false;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
    if (this.#target === null) return;
    if (wasUp && performance.now() - this.#upAt >= STABLE_MS) this.#attempt = 0;
    const target = this.#target;
    this.#timer = setTimeout(() => this.#dial(target), backoffMs(this.#attempt++, RNG));
    this.#events.down(reason, wasUp);
  }

  #cancel(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }
}

function newSigner(): Signer {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const { x = '' } = publicKey.export({ format: 'jwk' });
  return { did: didFromPublicKey(Buffer.from(x, 'base64url')), sign: signWith(privateKey) };
}

function signWith(key: KeyObject): Signer['sign'] {
  return async (message) => new Uint8Array(sign(null, message, key));
}
