/** The hub of one process (Node, Bun, Deno): sockets in memory, the truth in the outboxes. */
import type { OutboxDatabase } from '@zerostate/shared';
import { isUnavailable } from '../database-fault.ts';
import type { Forwards } from '../gateways/forwards.ts';
import type { Cancel, Clock, Database, Hub, Log, Metrics, Statement, Timers } from '../ports.ts';
import { CLOSE } from './frames.ts';
import type { LinkOwner, LinkSession } from './link-session.ts';
import { readEpochs, readHeads } from './link-store.ts';
import { createTopics } from './topics.ts';

/** Other processes on the same databases are noticed within this. */
const TICK_MS = 1_000;

export type ProcessHubDeps = {
  clock: Clock;
  timers: Timers;
  directory: Database;
  ledger: Database;
  log: Log;
  metrics: Metrics;
  /** Where messages go whose receiver has no link. */
  forwards: Pick<Forwards, 'look'>;
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
    for (const session of [...this.#greeting, ...this.#open.values()]) session.tick(now);
    await this.#look();
    await this.save();
  }

  /** What other processes wrote: newer epochs and new messages. */
  async #look(): Promise<void> {
    const dids = [...this.#open.keys()];
    if (dids.length === 0) return;
    const { directory, ledger } = this.#deps;
    const [epochs, ...heads] = await Promise.all([
      readEpochs(directory, dids),
      readHeads(ledger, dids),
      readHeads(directory, dids),
    ]);
    for (const [did, session] of this.#open) {
      if ((epochs.get(did) ?? 0) > session.link.epoch) session.end('stale-epoch');
      const [inLedger = 0, inDirectory = 0] = heads.map((head) => head.get(did) ?? 0);
      if (inLedger > session.link.sent.ledger) session.pump('ledger');
      if (inDirectory > session.link.sent.directory) session.pump('directory');
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
