/** The hub of one process (Node, Bun, Deno): sockets in memory, the truth in the outboxes. */
import type { OutboxDatabase } from '@zerostate/shared';
import { isUnavailable } from '../database-fault.ts';
import type { Forwards } from '../gateways/forwards.ts';
import type { Cancel, Clock, Database, Hub, Log, Metrics, Statement, Timers } from '../ports.ts';
import { CLOSE } from './frames.ts';
import type { LinkOwner, LinkSession } from './link-session.ts';
import { readFresh, readPassed, readUnsent } from './link-store.ts';
import { createTopics } from './topics.ts';

/** Messages that other processes on the same databases write are noticed within this. */
const TICK_MS = 1_000;
/**
 * Links whose rows are looked at in one turn. Above this many they take turns, and what `readFresh`
 * cannot see (a newer epoch, the message of a worker whose clock is far off) waits for its turn:
 * with ten thousand links ten seconds.
 */
const LOOK_LINKS = 1_000;
/** How far the clocks of workers may be apart, and how long a write may take, ms. */
const FRESH_MS = 10_000;

export type ProcessHubDeps = {
  clock: Clock;
  timers: Timers;
  directory: Database;
  ledger: Database;
  log: Log;
  metrics: Metrics;
  /** Where messages go whose receiver has no link. */
  forwards: Pick<Forwards, 'look'>;
  /** Links that are looked at in one turn; LOOK_LINKS by default. */
  lookLinks?: number;
};

export interface ProcessHub extends Hub, LinkOwner {
  /** A socket that was accepted. */
  add(session: LinkSession): void;
  start(): void;
  /** One turn of what happens every second. */
  tick(): Promise<void>;
  /** Whether this DID's link is here. */
  has(did: string): boolean;
  /** Writes positions and presence that are not saved yet. */
  save(): Promise<void>;
  /** Resolves when what receivers without a link have waiting was handed to gateways. */
  forwarded(): Promise<void>;
  /** Callers that wait are answered now. */
  release(): void;
  /** Says goodbye to every socket and saves what is not saved. */
  stop(): Promise<void>;
}

export function createProcessHub(deps: ProcessHubDeps): ProcessHub {
  const topics = createTopics(deps.timers);
  const links = new Links(deps);
  let cancel: Cancel = () => {};
  let ticking: Promise<void> | null = null;
  const tick = () => {
    ticking ??= links.tick().finally(() => {
      ticking = null;
    });
    return ticking;
  };
  return {
    wake: (did) => links.wake(did),
    wakeTopic: (topic) => topics.wake(topic),
    watch: (topic) => topics.watch(topic),
    has: (did) => links.has(did),
    save: () => links.save(),
    forwarded: () => links.forwarded(),
    add: (session) => links.add(session),
    opened: (session) => links.opened(session),
    closed: (session) => links.closed(session),
    changed: () => {},
    tick,
    start() {
      cancel = deps.timers.every(TICK_MS, () => {
        tick().catch((error: unknown) => deps.log.error('hub tick failed', {}, error));
      });
    },
    release: () => topics.stop(),
    async stop() {
      cancel();
      topics.stop();
      await ticking;
      links.endAll();
      await links.save();
      await links.forwarded();
    },
  };
}

class Links {
  readonly #deps: ProcessHubDeps;
  readonly #open = new Map<string, LinkSession>();
  /** Whose turn it is to be looked at. */
  #turns: Iterator<LinkSession, unknown> = this.#open.values();
  #lookedAt: number | null = null;
  readonly #greeting = new Set<LinkSession>();
  /** Ended, but not all saved. */
  readonly #ended = new Set<LinkSession>();
  readonly #forwarding = new Set<Promise<void>>();
  #isStopping: boolean = false;

  constructor(deps: ProcessHubDeps) {
    this.#deps = deps;
  }

  has(did: string): boolean {
    return this.#open.has(did);
  }

  add(session: LinkSession): void {
    this.#greeting.add(session);
  }

  wake(did: string): void {
    const session = this.#open.get(did);
    if (session === undefined) this.#forward([did]);
    session?.pump('directory');
    session?.pump('ledger');
  }

  async forwarded(): Promise<void> {
    while (this.#forwarding.size > 0) await Promise.all(this.#forwarding);
  }

  /** A database that is out of reach forwards nothing: the sweep looks again. */
  #forward(dids: readonly string[]): void {
    if (this.#isStopping || dids.length === 0) return;
    const { forwards, log } = this.#deps;
    const work = forwards.look(dids).catch((error: unknown) => {
      if (isUnavailable(error)) log.warn('messages not forwarded', { receivers: dids.length });
      else log.error('messages not forwarded', { receivers: dids.length }, error);
    });
    this.#forwarding.add(work);
    work.finally(() => this.#forwarding.delete(work));
  }

  opened(session: LinkSession): void {
    const { did, epoch } = session.link;
    this.#greeting.delete(session);
    const older = this.#open.get(did);
    // Two hellos at once: whichever has the higher epoch stays, in whatever order they got here.
    if (older !== undefined && older.link.epoch > epoch) {
      session.end('stale-epoch');
      return;
    }
    this.#open.set(did, session);
    older?.end('stale-epoch');
    this.#deps.metrics.gauge('zs_links', this.#open.size);
  }

  closed(session: LinkSession): void {
    this.#greeting.delete(session);
    const { did } = session.link;
    if (did === '') return;
    if (this.#open.get(did) === session) this.#open.delete(did);
    this.#ended.add(session);
    this.#deps.metrics.gauge('zs_links', this.#open.size);
  }

  /** These executors are back in a moment, at another worker: nobody carries for them. */
  endAll(): void {
    this.#isStopping = true;
    for (const session of [...this.#open.values(), ...this.#greeting]) {
      session.end('going-away', undefined, CLOSE.goingAway);
    }
  }

  async tick(): Promise<void> {
    const now = this.#deps.clock.now();
    // A session that ends here leaves its collection, which both allow while they are walked.
    for (const session of this.#greeting) session.tick(now);
    for (const session of this.#open.values()) session.tick(now);
    await this.#look();
    await this.save();
  }

  /** What other processes wrote: new messages of any link, and everything of those whose turn it is. */
  async #look(): Promise<void> {
    if (this.#open.size === 0) return;
    const { directory, ledger, clock } = this.#deps;
    const turn = this.#nextTurn();
    const now = clock.now();
    const since = (this.#lookedAt ?? now) - FRESH_MS;
    const [passed, inLedger, inDirectory, freshInLedger, freshInDirectory] = await Promise.all([
      readPassed(
        directory,
        recordOf(turn, ({ link }) => link.epoch),
      ),
      readUnsent(
        ledger,
        recordOf(turn, ({ link }) => link.sent.ledger),
      ),
      readUnsent(
        directory,
        recordOf(turn, ({ link }) => link.sent.directory),
      ),
      readFresh(ledger, since),
      readFresh(directory, since),
    ]);
    this.#lookedAt = now;
    for (const did of passed) this.#open.get(did)?.end('stale-epoch');
    this.#pump('ledger', inLedger, freshInLedger);
    this.#pump('directory', inDirectory, freshInDirectory);
  }

  /** The links after those of the last turn, and from the first again. */
  #nextTurn(): LinkSession[] {
    const turn: LinkSession[] = [];
    const { lookLinks = LOOK_LINKS } = this.#deps;
    while (turn.length < Math.min(lookLinks, this.#open.size)) {
      const next = this.#turns.next();
      if (next.done) this.#turns = this.#open.values();
      else turn.push(next.value);
    }
    return turn;
  }

  #pump(name: OutboxDatabase, dids: readonly string[], fresh: ReadonlyMap<string, number>): void {
    for (const did of dids) this.#open.get(did)?.pump(name);
    for (const [did, seq] of fresh) {
      const session = this.#open.get(did);
      if (session !== undefined && seq > session.link.sent[name]) session.pump(name);
    }
  }

  /** Positions and presence of all links: one batch a database. */
  async save(): Promise<void> {
    const now = this.#deps.clock.now();
    const statements: Record<OutboxDatabase, Statement[]> = { ledger: [], directory: [] };
    const ended = [...this.#ended];
    this.#ended.clear();
    for (const session of [...ended, ...this.#open.values()]) {
      const unsaved = session.unsaved(now);
      statements.ledger.push(...unsaved.ledger);
      statements.directory.push(...unsaved.directory);
    }
    const { ledger, directory } = this.#deps;
    await Promise.all([
      statements.ledger.length === 0 ? undefined : ledger.batch(statements.ledger),
      statements.directory.length === 0 ? undefined : directory.batch(statements.directory),
    ]);
    const gone = ended.map(({ link }) => link.did).filter((did) => !this.#open.has(did));
    this.#forward(gone);
  }
}

function recordOf(
  sessions: readonly LinkSession[],
  numberOf: (session: LinkSession) => number,
): Record<string, number> {
  return Object.fromEntries(sessions.map((session) => [session.link.did, numberOf(session)]));
}
