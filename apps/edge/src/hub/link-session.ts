/** The edge's end of one executor link (protocol.md, Executor link), whatever carries its frames. */
import {
  type EdgeFrame,
  type ExecutorFrame,
  FRAMES_IN_FLIGHT_MAX,
  HELLO_MS_MAX,
  LINK_DEAD_MS,
  LINK_HEARTBEAT_MS,
  type LinkHello,
  type OutboxDatabase,
} from '@zerostate/shared';
import { isUnavailable } from '../database-fault.ts';
import type { RateLimiter } from '../http/rate-limit.ts';
import type { Clock, Database, Log, Metrics, Statement } from '../ports.ts';
import { CLOSE, readFrame, writeFrame } from './frames.ts';
import { checkHello, type GreetingDeps, nonceFrame, welcomeFrame } from './greeting.ts';
import { Inbound, type MessageHandler, type MessageOutcome } from './inbound.ts';
import type { LinkState, Positions } from './link-state.ts';
import { catchUp, openLink, seenUpdate } from './link-store.ts';
import { Outbound } from './outbound.ts';
import { outboxAck } from './outbox.ts';
import { type Load, presenceAlive, presenceGone } from './presence.ts';

/** What carries frames. Both may be called on a socket that is gone. */
export interface LinkSocket {
  send(text: string): void;
  close(code: number, reason: string): void;
}

export type LinkDeps = GreetingDeps & {
  clock: Clock;
  log: Log;
  metrics: Metrics;
  directory: Database;
  ledger: Database;
  handler: MessageHandler;
  /** Messages of one DID. */
  rate: RateLimiter;
};

/** What a session tells the hub that holds it. */
export interface LinkOwner {
  /** The hello was good: an older session of this DID ends. */
  opened(session: LinkSession): void;
  closed(session: LinkSession): void;
  /** The state changed; a hub that sleeps writes it to the socket. */
  changed(session: LinkSession): void;
}

const MAX_ACK = { ledger: 0, directory: 0 };

export class LinkSession {
  readonly link: LinkState;
  readonly #deps: LinkDeps;
  readonly #socket: LinkSocket;
  readonly #owner: LinkOwner;
  readonly #outbound: Outbound;
  #inbound: Inbound;
  #load: Load = { queue: 0, running: 0, capacity: 0 };
  #presenceAt = 0;
  readonly #working = new Set<Promise<void>>();
  #isAckQueued: boolean = false;
  #ackSent: number;
  /** What the directory and ledger know of the positions. */
  #flushed: { seen: number; ledger: number; directory: number };

  constructor(deps: LinkDeps, link: LinkState, socket: LinkSocket, owner: LinkOwner) {
    this.#deps = deps;
    this.link = link;
    this.#socket = socket;
    this.#owner = owner;
    this.#outbound = new Outbound(deps, link, (text) => socket.send(text));
    this.#inbound = new Inbound(deps.handler, link.did, link.processed);
    this.#ackSent = link.processed;
    this.#flushed = { ...MAX_ACK, seen: link.processed };
  }

  /** Sends the nonce. */
  greet(): void {
    this.#send(nonceFrame(this.#deps, this.link.nonce));
  }

  /** Takes whatever the socket brings. Never throws, never waits. */
  receive(data: unknown): void {
    if (this.link.phase === 'closed') return;
    this.link.heardAt = this.#deps.clock.now();
    const frame = readFrame(data);
    if (!frame.ok) {
      const code = frame.code === 'frame-too-large' ? CLOSE.tooLarge : CLOSE.policy;
      this.end(frame.code, frame.detail, code);
      return;
    }
    if (this.link.phase === 'open') {
      this.#receiveOpen(frame.value);
      return;
    }
    // One hello, and nothing else before the welcome.
    if (this.link.phase !== 'greeting' || frame.value.t !== 'hello') {
      this.end('hello-expected', frame.value.t);
      return;
    }
    this.link.phase = 'verifying';
    this.#guard(this.#open(frame.value.hello));
  }

  /** Resolves when everything that arrived so far is processed and answered. */
  async settled(): Promise<void> {
    while (this.#working.size > 0) await Promise.all(this.#working);
  }

  /** There may be something new in an outbox. */
  pump(name: OutboxDatabase): void {
    if (this.link.phase !== 'open') return;
    this.#guard(
      this.#outbound.pump(name).then(() => {
        this.#owner.changed(this);
      }),
    );
  }

  /** Looks at the clock: too late for a hello, time for a ping, or dead. */
  tick(now: number): void {
    if (this.link.phase === 'closed') return;
    if (this.link.phase !== 'open') {
      if (now - this.link.openedAt > HELLO_MS_MAX) this.end('hello-late');
      return;
    }
    const silentMs = now - this.link.heardAt;
    if (silentMs > LINK_DEAD_MS) this.end('link-dead', undefined, CLOSE.goingAway);
    else if (silentMs > LINK_HEARTBEAT_MS) this.#send({ t: 'ping' });
  }

  /** Says why and closes. */
  end(code: string, detail?: string, closeCode: number = CLOSE.policy): void {
    if (this.link.phase === 'closed') return;
    const wasOpen = this.link.phase === 'open';
    this.#send({ t: 'error', code, ...(detail === undefined ? {} : { detail }) });
    this.#deps.metrics.count('zs_link_ends_total', { code });
    this.#deps.log.info('link ended', { did: this.link.did, code, detail, wasOpen });
    this.#socket.close(closeCode, code);
    this.gone();
  }

  /** The socket is closed, by whichever side. */
  gone(): void {
    if (this.link.phase === 'closed') return;
    this.link.phase = 'closed';
    this.#owner.closed(this);
  }

  /**
   * What the databases do not know yet: acknowledgements, the processed number, presence. They may
   * lag: an executor's hello says what it has, and repeated messages do no harm.
   */
  unsaved(now: number): Record<OutboxDatabase, Statement[]> {
    const { did, epoch, acked, phase } = this.link;
    const statements: Record<OutboxDatabase, Statement[]> = { ledger: [], directory: [] };
    if (did === '') return statements;
    for (const name of ['ledger', 'directory'] as const) {
      if (acked[name] <= this.#flushed[name]) continue;
      statements[name].push(...outboxAck(did, acked[name]));
      this.#flushed[name] = acked[name];
    }
    if (this.#inbound.processed > this.#flushed.seen) {
      this.#flushed.seen = this.#inbound.processed;
      statements.directory.push(seenUpdate(did, epoch, this.#flushed.seen));
    }
    if (phase === 'closed') statements.directory.push(presenceGone(did, epoch, now));
    else if (now - this.#presenceAt >= LINK_HEARTBEAT_MS) {
      this.#presenceAt = now;
      statements.directory.push(presenceAlive(did, epoch, this.#load, now));
    }
    return statements;
  }

  async #open(raw: unknown): Promise<void> {
    const { deps, link } = { deps: this.#deps, link: this.link };
    const hello = await checkHello(deps, link, raw);
    if (!hello.ok) {
      this.end(hello.code, hello.detail);
      return;
    }
    const { did, session, features } = hello.value;
    await this.#catchUp(did, seenBy(hello.value));
    const now = deps.clock.now();
    const opened = await openLink(deps.directory, { did, session, features, now });
    const welcome = await welcomeFrame(deps, hello.value, opened);
    if (link.phase !== 'verifying') return;
    this.#start(hello.value, opened);
    this.#send(welcome);
    this.#owner.opened(this);
    this.#owner.changed(this);
    deps.log.info('link open', { did, epoch: opened.epoch, address: link.address });
    this.pump('ledger');
    this.pump('directory');
  }

  /** A database that was restored from an older copy has sent numbers that it does not know of. */
  async #catchUp(did: string, seen: Positions): Promise<void> {
    for (const name of ['ledger', 'directory'] as const) {
      if (!(await catchUp(this.#deps[name], did, seen[name]))) continue;
      this.#deps.log.warn('outbox was behind its receiver', { did, db: name, seen: seen[name] });
    }
  }

  #start(hello: LinkHello, opened: { epoch: number; seen: number }): void {
    const { link } = this;
    const seen = seenBy(hello);
    link.phase = 'open';
    link.did = hello.did;
    link.session = hello.session;
    link.epoch = opened.epoch;
    link.received = opened.seen;
    link.processed = opened.seen;
    link.sent = { ...seen };
    link.acked = { ...seen };
    this.#inbound = new Inbound(this.#deps.handler, hello.did, opened.seen);
    this.#ackSent = opened.seen;
    this.#flushed = { ...MAX_ACK, seen: opened.seen };
    this.#presenceAt = this.#deps.clock.now();
  }

  #receiveOpen(frame: ExecutorFrame): void {
    switch (frame.t) {
      case 'msg':
        this.#message(frame);
        return;
      case 'ack':
        this.#acknowledged(frame);
        return;
      case 'error':
        this.#deps.log.info('message refused by executor', {
          did: this.link.did,
          code: frame.code,
          detail: frame.detail,
          db: frame.re.db,
          seq: frame.re.seq,
        });
        return;
      case 'ping':
        this.#send({ t: 'pong' });
        return;
      case 'pong':
        return;
      case 'hello':
        this.end('hello-unexpected');
        return;
    }
  }

  #message(frame: Extract<ExecutorFrame, { t: 'msg' }>): void {
    const { link } = this;
    // Repeated after a lost acknowledgement: it is processed already, or just being so.
    if (frame.n <= link.received) {
      this.#queueAck(true);
      return;
    }
    if (this.#inbound.inFlight >= FRAMES_IN_FLIGHT_MAX) {
      this.end('too-many-in-flight');
      return;
    }
    const taken = this.#deps.rate.take(link.did);
    if (!taken.ok) {
      this.end('rate-limited', `retry in ${taken.retryMs} ms`, CLOSE.tryAgain);
      return;
    }
    link.received = frame.n;
    this.#deps.metrics.count('zs_link_messages_total', { type: frame.type });
    if (frame.type === 'presence') this.#presenceChanged(frame.body);
    this.#guard(
      this.#inbound.take(frame.n, frame.type, frame.body).then((outcome) => {
        link.processed = this.#inbound.processed;
        if (!outcome.ok) this.#refuse(frame.n, outcome);
        this.#queueAck(false);
      }),
    );
  }

  #refuse(re: number, refusal: Extract<MessageOutcome, { ok: false }>): void {
    const { code, detail } = refusal;
    this.#deps.log.info('message refused', { did: this.link.did, n: re, code, detail });
    this.#send({ t: 'error', code, re, ...(detail === undefined ? {} : { detail }) });
  }

  /** One acknowledgement for whatever was processed in this turn. */
  #queueAck(again: boolean): void {
    if (again) this.#ackSent = -1;
    if (this.#isAckQueued) return;
    this.#isAckQueued = true;
    queueMicrotask(() => {
      this.#isAckQueued = false;
      const { processed } = this.#inbound;
      if (this.link.phase !== 'open' || processed <= this.#ackSent) return;
      this.#ackSent = processed;
      this.#owner.changed(this);
      this.#send({ t: 'ack', n: processed });
    });
  }

  #acknowledged(ack: { ledger: number; directory: number }): void {
    const wasFull = this.#outboundRoom() <= 0;
    const isKnown =
      this.#outbound.acknowledge('ledger', ack.ledger) &&
      this.#outbound.acknowledge('directory', ack.directory);
    if (!isKnown) {
      this.end('ack-unknown');
      return;
    }
    this.#owner.changed(this);
    if (!wasFull) return;
    this.pump('ledger');
    this.pump('directory');
  }

  #outboundRoom(): number {
    const { sent, acked } = this.link;
    return FRAMES_IN_FLIGHT_MAX - (sent.ledger - acked.ledger + sent.directory - acked.directory);
  }

  #presenceChanged(body: Record<string, unknown>): void {
    const count = (value: unknown) =>
      typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : 0;
    const { queue, running, capacity } = body;
    this.#load = { queue: count(queue), running: count(running), capacity: count(capacity) };
    this.#presenceAt = 0;
  }

  #send(frame: EdgeFrame): void {
    if (this.link.phase !== 'closed') this.#socket.send(writeFrame(frame));
  }

  /** A database that is out of reach ends the link, unacknowledged: the executor sends again. */
  #guard(work: Promise<void>): void {
    const ended = work.catch((error: unknown) => {
      if (isUnavailable(error)) {
        this.#deps.log.warn('link lost its database', { did: this.link.did });
        this.end('storage-unavailable', undefined, CLOSE.tryAgain);
        return;
      }
      this.#deps.log.error('link failed', { did: this.link.did }, error);
      this.end('internal-error', undefined, CLOSE.internal);
    });
    this.#working.add(ended);
    ended.finally(() => this.#working.delete(ended));
  }
}

function seenBy(hello: LinkHello): Positions {
  return { ledger: Number(hello.seen_ledger), directory: Number(hello.seen_directory) };
}
