import {
  type EdgeFrame,
  type Envelope,
  edgeFrameSchema,
  FRAME_BYTES_MAX,
  LINK_DEAD_MS,
  LINK_HEARTBEAT_MS,
  type OutboxDatabase,
  type Signer,
  type Verifier,
} from '@zerostate/shared';
import type { Cancel, Clock, Dial, Log, Rng, Socket, Timers } from '../ports.ts';
import type { Database } from '../state/database.ts';
import { type Pinned, readNode, saveSeen } from '../state/store.ts';
import { backoffMs } from './backoff.ts';
import { checkNonce, checkWelcome, sealHello } from './handshake.ts';
import { Outbox, OutboxRestarted, type SentMessage } from './outbox.ts';
import { Positions } from './positions.ts';

/** From dialling to the welcome. */
const HANDSHAKE_MS_MAX = 10_000;
/** A link that lasted this long was a good one: the next retry starts from the shortest wait. */
const STABLE_MS = 10_000;
/** Seen positions reach the disk at most this late; a crash before only repeats messages. */
const SEEN_WRITE_MS = 1_000;

/** A message of the edge's outboxes. */
export type Delivery = { db: OutboxDatabase; seq: number; type: string; body: unknown };
/** null when it was taken; otherwise why not. Its effects are on disk when this resolves. */
export type Handle = (message: Delivery) => Promise<{ code: string; detail?: string } | null>;

export interface LinkOptions {
  pinned: Pinned;
  signer: Signer;
  verifier: Verifier;
  database: Database;
  dial: Dial;
  clock: Clock;
  timers: Timers;
  rng: Rng;
  log: Log;
  handle: Handle;
  /** What this node does besides; the edge reads it in its hello. */
  features: readonly string[];
  /** The edge does not take a message of ours. */
  refused: (message: SentMessage, code: string, detail: string) => void;
  /** The link is up. */
  welcomed: () => void;
  fatal: (cause: unknown) => void;
}

export type LinkStatus = {
  state: 'stopped' | 'down' | 'dialling' | 'up';
  /** When it came into this state, ms. */
  since: number;
  /** What is wrong, while it is not up. */
  problem: string | null;
};

/** One try: a socket and how far its handshake has come. */
type Connection = {
  socket: Socket | null;
  phase: 'dialling' | 'greeting' | 'up' | 'closed';
  nonce: string;
  session: string;
  heardAt: number;
  upAt: number;
  /** The newest message of each outbox that came over it; 0 before the first. */
  newest: Record<OutboxDatabase, number>;
  /** Frames are read one after the other: a handshake step may wait for a signature. */
  reading: Promise<void>;
  timers: Cancel[];
};

/**
 * The executor's end of the edge link (protocol.md): dials, greets, resumes where it was, and
 * dials again when it is lost. Nothing that was acknowledged in either direction can be lost by
 * it: messages out are on disk before they are sent, messages in before they are acknowledged.
 */
export class Link {
  readonly #options: LinkOptions;
  readonly outbox: Outbox;
  #positions = new Positions({ ledger: 0, directory: 0 });
  #connection: Connection | null = null;
  #retry: Cancel | null = null;
  #attempt = 0;
  #seenTimer: Cancel | null = null;
  #ackQueued: boolean;
  #status: LinkStatus;
  /** A problem is said once, not at every retry. */
  #said = '';

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#ackQueued = false;
    this.outbox = new Outbox(options);
    this.#status = { state: 'stopped', since: options.clock.now(), problem: null };
  }

  get status(): LinkStatus {
    return this.#status;
  }

  async start(): Promise<void> {
    const node = await readNode(this.#options.database);
    if (node === null) throw new Error('node.db has no node row');
    this.#positions = new Positions({ ledger: node.seenLedger, directory: node.seenDirectory });
    this.#dial();
  }

  /** Hangs up and stays down. What is unacknowledged is sent after the next start. */
  async stop(): Promise<void> {
    this.#retry?.();
    this.#retry = null;
    const connection = this.#connection;
    this.#connection = null;
    if (connection !== null) this.#end(connection);
    this.#setState('stopped', null);
    await this.outbox.flush();
    await this.#writeSeen();
  }

  #dial(): void {
    const { dial, clock, timers, pinned } = this.#options;
    this.#setState('dialling', this.#status.problem);
    const connection: Connection = {
      socket: null,
      phase: 'dialling',
      nonce: '',
      session: '',
      heardAt: clock.now(),
      upAt: 0,
      newest: { ledger: 0, directory: 0 },
      reading: Promise.resolve(),
      timers: [],
    };
    this.#connection = connection;
    connection.timers.push(
      timers.after(HANDSHAKE_MS_MAX, () => {
        if (connection.phase === 'up') return;
        this.#drop(connection, 'edge-silent', `${pinned.edge} did not greet in time`);
      }),
    );
    connection.socket = dial(linkUrl(pinned), {
      open: () => {},
      message: (text) => {
        connection.reading = connection.reading
          .then(() => this.#read(connection, text))
          .catch((cause: unknown) => this.#failed(connection, cause));
      },
      closed: (reason) => this.#drop(connection, 'edge-unreachable', reason),
    });
  }

  #failed(connection: Connection, cause: unknown): void {
    if (cause instanceof OutboxRestarted) {
      this.#drop(connection, 'session-restarted', 'the state folder is an older copy');
    } else {
      this.#options.fatal(cause);
    }
  }

  async #read(connection: Connection, text: string): Promise<void> {
    if (connection.phase === 'closed') return;
    connection.heardAt = this.#options.clock.now();
    const frame = parseFrame(text);
    if (frame === null) return this.#drop(connection, 'frame-invalid', text.slice(0, 80));
    if (connection.phase === 'up') return this.#receive(connection, frame);
    if (frame.t === 'error') return this.#drop(connection, frame.code, frame.detail ?? '');
    if (connection.phase === 'dialling' && frame.t === 'nonce')
      return this.#greet(connection, frame);
    if (connection.phase === 'greeting' && frame.t === 'welcome') {
      return this.#enter(connection, frame.welcome);
    }
    this.#drop(connection, 'frame-unexpected', frame.t);
  }

  async #greet(connection: Connection, frame: Extract<EdgeFrame, { t: 'nonce' }>): Promise<void> {
    const { pinned, signer, database } = this.#options;
    const known = checkNonce(frame, pinned);
    if (!known.ok) return this.#drop(connection, known.code, known.detail ?? '');
    const node = await readNode(database);
    if (node === null) throw new Error('node.db has no node row');
    connection.nonce = frame.nonce;
    connection.session = node.session;
    const position = { session: node.session, seen: this.#positions.seen };
    const said = { nonce: frame.nonce, features: this.#options.features };
    const hello = await sealHello(pinned, said, position, signer);
    connection.phase = connection.phase === 'closed' ? 'closed' : 'greeting';
    connection.socket?.send(JSON.stringify({ t: 'hello', hello }));
  }

  async #enter(connection: Connection, raw: Envelope<unknown>): Promise<void> {
    const { pinned, verifier, clock, timers, log } = this.#options;
    const welcome = await checkWelcome(raw, pinned, connection, verifier);
    if (!welcome.ok) return this.#drop(connection, welcome.code, welcome.detail ?? '');
    if (connection.phase !== 'greeting') return;
    connection.phase = 'up';
    connection.upAt = clock.now();
    connection.timers.push(timers.every(LINK_HEARTBEAT_MS, () => this.#beat(connection)));
    this.#said = '';
    this.#setState('up', null);
    log.info('link up', { edge: pinned.edge, epoch: welcome.value.epoch });
    await this.outbox.connect(Number(welcome.value.seen), ({ n, type, body }) => {
      // The body is JSON text of this node's own outbox.
      connection.socket?.send(`{"t":"msg","n":${n},"type":"${type}","body":${body}}`);
    });
    this.#options.welcomed();
  }

  #beat(connection: Connection): void {
    const silentMs = this.#options.clock.now() - connection.heardAt;
    if (silentMs >= LINK_DEAD_MS) {
      this.#drop(connection, 'edge-silent', `nothing heard for ${silentMs} ms`);
    } else {
      connection.socket?.send('{"t":"ping"}');
    }
  }

  #receive(connection: Connection, frame: EdgeFrame): void {
    switch (frame.t) {
      case 'msg':
        this.#deliver(connection, frame);
        return;
      case 'ack':
        this.outbox.acknowledged(frame.n);
        return;
      case 'error':
        this.#refused(connection, frame);
        return;
      case 'ping':
        connection.socket?.send('{"t":"pong"}');
        return;
      case 'pong':
        return;
      default:
        this.#drop(connection, 'frame-unexpected', frame.t);
    }
  }

  #refused(connection: Connection, frame: Extract<EdgeFrame, { t: 'error' }>): void {
    const { re, code, detail = '' } = frame;
    // Without a number it is about the link: the edge hangs up next.
    if (re === undefined) {
      this.#drop(connection, code, detail);
      return;
    }
    const message = this.outbox.sent(re) ?? { type: 'unknown', ref: '' };
    this.#options.log.warn('message refused', { n: re, ...message, code, detail });
    this.#options.refused(message, code, detail);
  }

  #deliver(connection: Connection, frame: Extract<EdgeFrame, { t: 'msg' }>): void {
    const { db, seq, type, body } = frame;
    const next = connection.newest[db] + 1;
    // What is acknowledged is cumulative: going on would tell the edge that this node has the rest.
    if (next > 1 && seq > next) {
      this.#drop(connection, 'message-missing', `${db} ${next}`);
      return;
    }
    connection.newest[db] = Math.max(connection.newest[db], seq);
    if (!this.#positions.begin(db, seq)) {
      // Taken before: its acknowledgement was lost.
      this.#acknowledge();
      return;
    }
    this.#options.handle({ db, seq, type, body }).then((refusal) => {
      if (refusal !== null) {
        this.#options.log.warn('message not taken', { type, ...refusal });
        connection.socket?.send(JSON.stringify({ t: 'error', ...refusal, re: { db, seq } }));
      }
      if (this.#positions.done(db, seq)) this.#acknowledge();
    }, this.#options.fatal);
  }

  #acknowledge(): void {
    this.#seenTimer ??= this.#options.timers.after(SEEN_WRITE_MS, () => {
      this.#writeSeen().catch(this.#options.fatal);
    });
    if (this.#ackQueued) return;
    this.#ackQueued = true;
    queueMicrotask(() => {
      this.#ackQueued = false;
      const connection = this.#connection;
      if (connection?.phase !== 'up') return;
      connection.socket?.send(JSON.stringify({ t: 'ack', ...this.#positions.seen }));
    });
  }

  async #writeSeen(): Promise<void> {
    this.#seenTimer?.();
    this.#seenTimer = null;
    await this.#options.database.write([saveSeen(this.#positions.seen)]);
  }

  /** Ends this try and plans the next. */
  #drop(connection: Connection, code: string, detail: string): void {
    if (connection.phase === 'closed') return;
    const { clock, timers, rng, log, pinned } = this.#options;
    const wasStable = connection.phase === 'up' && clock.now() - connection.upAt >= STABLE_MS;
    this.#end(connection);
    if (this.#connection !== connection) return;
    this.#connection = null;
    if (wasStable) this.#attempt = 0;
    const waitMs = backoffMs(this.#attempt, rng);
    this.#attempt += 1;
    if (this.#said !== code) {
      this.#said = code;
      log.warn('link down', {
        edge: pinned.edge,
        code,
        detail,
        hint: hintOf(code),
        retrying: true,
      });
    }
    this.#setState('down', detail === '' ? code : `${code}: ${detail}`);
    this.#retry = timers.after(waitMs, () => {
      this.#retry = null;
      this.#dial();
    });
  }

  #end(connection: Connection): void {
    connection.phase = 'closed';
    for (const cancel of connection.timers) cancel();
    this.outbox.disconnect();
    connection.socket?.close();
  }

  #setState(state: LinkStatus['state'], problem: string | null): void {
    this.#status = { state, since: this.#options.clock.now(), problem };
  }
}

/** The DID lets an edge of many hubs choose the right one before anything is said. */
function linkUrl({ edge, did }: { edge: string; did: string }): string {
  const url = new URL('/v1/link', edge.replace(/^http/, 'ws'));
  url.searchParams.set('did', did);
  return url.href;
}

function parseFrame(text: string): EdgeFrame | null {
  // Characters are at most as many as bytes; a longer text is over the limit for certain.
  if (text.length > FRAME_BYTES_MAX) return null;
  try {
    const frame = edgeFrameSchema.safeParse(JSON.parse(text));
    return frame.success ? frame.data : null;
  } catch {
    return null;
  }
}

/** What an operator can do about it. */
function hintOf(code: string): string | undefined {
  switch (code) {
    case 'edge-unreachable':
      return 'is the edge running, and is its URL right? See zerostate-node status';
    case 'edge-did-wrong':
    case 'network-wrong':
      return 'another edge answers at this URL; to move to it, init a new state folder';
    default:
      return undefined;
  }
}
