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
import { acknowledge, Outbound } from './outbound.ts';
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

/** The frames of an idle link, as its heartbeat brings them. */
const PING = '{"t":"ping"}';
const PONG = '{"t":"pong"}';

const NO_LOAD: Load = { queue: 0, running: 0, capacity: 0 };
const NOTHING_UNSAVED: Record<OutboxDatabase, readonly Statement[]> = { ledger: [], directory: [] };

/** Ten thousand of these lie idle in one process: what only a busy one needs is made for it. */
export class LinkSession {
  readonly link: LinkState;
  readonly #deps: LinkDeps;
  readonly #socket: LinkSocket;
  readonly #owner: LinkOwner;
  #outbound: Outbound | null = null;
  #inbound: Inbound | null = null;
  #load: Load = NO_LOAD;
  #presenceAt = 0;
  /** Frames whose work is not done, and who waits for them. */
  #working = 0;
  #waiting: (() => void)[] | null = null;
  #isAckQueued: boolean = false;
  #ackSent: number;
  /** What the directory and ledger know of the positions. */
  #flushedSeen: number;
  #flushedLedger = 0;
  #flushedDirectory = 0;

  constructor(deps: LinkDeps, link: LinkState, socket: LinkSocket, owner: LinkOwner) {
    this.#deps = deps;
    this.link = link;
    this.#socket = socket;
    this.#owner = owner;
    this.#ackSent = link.processed;
    this.#flushedSeen = link.processed;
  }

  /** Sends the nonce. */
  greet(): void {
    this.#send(nonceFrame(this.#deps, this.link.nonce));
  }

  /** Takes whatever the socket brings. Never throws, never waits. */
  receive(data: unknown): void {
    if (this.link.phase === 'closed') return;
    this.link.heardAt = this.#deps.clock.now();
    // Most of what ten thousand idle links say.
    if (data === PING && this.link.phase === 'open') {
      this.#socket.send(PONG);
      return;
    }
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
    while (this.#working > 0) {
      await new Promise<void>((resolve) => {
        this.#waiting ??= [];
        this.#waiting.push(resolve);
      });
    }
  }

  /** There may be something new in an outbox. */
  pump(name: OutboxDatabase): void {
    if (this.link.phase !== 'open') return;
    this.#outbound ??= new Outbound(this.#deps, this.link, this.#socket);
    const outbound = this.#outbound;
    this.#guard(
      outbound.pump(name).then(() => {
        if (outbound.isIdle && this.#outbound === outbound) this.#outbound = null;
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
  unsaved(now: number): Record<OutboxDatabase, readonly Statement[]> {
    const { did, epoch, acked, phase, processed } = this.link;
    const isAliveDue = phase === 'closed' || now - this.#presenceAt >= LINK_HEARTBEAT_MS;
    const isSaved =
      acked.ledger <= this.#flushedLedger &&
      acked.directory <= this.#flushedDirectory &&
      processed <= this.#flushedSeen;
    if (did === '' || (isSaved && !isAliveDue)) return NOTHING_UNSAVED;
    const ledger: Statement[] = [];
    const directory: Statement[] = [];
    if (acked.ledger > this.#flushedLedger) ledger.push(...outboxAck(did, acked.ledger));
    if (acked.directory > this.#flushedDirectory)
      directory.push(...outboxAck(did, acked.directory));
    if (processed > this.#flushedSeen) directory.push(seenUpdate(did, epoch, processed));
    this.#flushedLedger = Math.max(acked.ledger, this.#flushedLedger);
    this.#flushedDirectory = Math.max(acked.directory, this.#flushedDirectory);
    this.#flushedSeen = Math.max(processed, this.#flushedSeen);
    if (phase === 'closed') directory.push(presenceGone(did, epoch, now));
    else if (isAliveDue) {
      this.#presenceAt = now;
      directory.push(presenceAlive(did, epoch, this.#load, now));
    }
    return { ledger, directory };
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
    // The greeting is over, and so is what it needed.
    link.nonce = '';
    link.origin = '';
    this.#ackSent = opened.seen;
    this.#flushedSeen = opened.seen;
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
    this.#inbound ??= new Inbound(this.#deps.handler, link.did, link.processed);
    const inbound = this.#inbound;
    if (inbound.inFlight >= FRAMES_IN_FLIGHT_MAX) {
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
      inbound.take(frame.n, frame.type, frame.body).then((outcome) => {
        link.processed = inbound.processed;
        if (inbound.inFlight === 0 && this.#inbound === inbound) this.#inbound = null;
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
      const { processed } = this.link;
      if (this.link.phase !== 'open' || processed <= this.#ackSent) return;
      this.#ackSent = processed;
      this.#owner.changed(this);
      this.#send({ t: 'ack', n: processed });
    });
  }

  #acknowledged(ack: { ledger: number; directory: number }): void {
    const wasFull = this.#outboundRoom() <= 0;
    const isKnown =
      acknowledge(this.link, 'ledger', ack.ledger) &&
      acknowledge(this.link, 'directory', ack.directory);
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
    this.#working += 1;
    ended.finally(() => this.#worked());
  }

  #worked(): void {
    this.#working -= 1;
    if (this.#working > 0 || this.#waiting === null) return;
    const waiting = this.#waiting;
    this.#waiting = null;
    for (const resolve of waiting) resolve();
  }
}

function seenBy(hello: LinkHello): Positions {
  return { ledger: Number(hello.seen_ledger), directory: Number(hello.seen_directory) };
}
