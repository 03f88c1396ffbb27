import type { Mesh, MeshStartCode, RouteTable } from '@zerostate/mesh';
import type { Did, EdgeMessage, Result } from '@zerostate/shared';
import type { Lines } from '../lines.ts';
import type { TakeMessage } from '../messages.ts';
import type { OffersContext } from '../offers/context.ts';
import type { Cancel, Clock, Log, Rng, Timers } from '../ports.ts';
import type { Refusal } from '../wallet/context.ts';
import { Forwards } from './forwards.ts';
import { Lookups } from './lookups.ts';
import { OwnCards } from './own-cards.ts';
import { OwnPresence } from './own-presence.ts';
import { answerQuestions } from './questions.ts';
import { Results } from './results.ts';

/** A port that is taken may be free later: the start is tried again so often. */
const RETRY_MS = 5_000;
/** Own addresses and clocks of peers are looked at this often. */
const LOOK_MS = 15_000;
/** What the edge warns of too: half of what it refuses. */
const CLOCK_OFF_MS = 30_000;

/** Starts the node's mesh; the options are checked, so that only its surroundings can refuse. */
export type LaunchMesh = () => Promise<Result<Mesh, MeshStartCode>>;

export interface MeshSideOptions {
  launch: LaunchMesh;
  /** Called with each mesh that runs: what is served on it besides the messages of the link. */
  serve: (mesh: Mesh) => Promise<void>;
  offers: OffersContext;
  lines: Lines;
  take: TakeMessage;
  isLinkUp: () => boolean;
  /** The addresses at which others reach this node are other ones than before. */
  moved: (addresses: readonly string[]) => void;
  clock: Clock;
  rng: Rng;
  timers: Timers;
  log: Log;
  fatal: (cause: unknown) => void;
}

/** What belongs to one mesh that runs. */
interface Running {
  mesh: Mesh;
  cards: OwnCards;
  presence: OwnPresence;
  stopWatching: Cancel;
}

type Problem = { code: string; detail: string };

/** The executor's end of the mesh: starts it, keeps trying where it does not start, and serves it. */
export class MeshSide {
  readonly #forwards: Forwards;
  readonly #options: MeshSideOptions;
  readonly #results: Results;
  readonly #cancels: Cancel[] = [];
  #running: Running | null;
  #problem: Problem | null;
  #clockProblem: string | null;
  #addresses: ReadonlySet<string> = new Set();
  #since: number;
  #isStopped: boolean;
  #starting: Promise<void>;

  constructor(options: MeshSideOptions) {
    const { offers, clock, log, fatal } = options;
    const { database } = offers.wallet;
    this.#options = options;
    this.#running = null;
    this.#problem = null;
    this.#clockProblem = null;
    this.#since = clock.now();
    this.#isStopped = false;
    this.#starting = Promise.resolve();
    const ask: Mesh['ask'] = (to, message, given) => {
      const mesh = this.#running?.mesh;
      return mesh === undefined
        ? Promise.resolve({ ok: false, code: 'stopped' })
        : mesh.ask(to, message, given);
    };
    this.#forwards = new Forwards({
      database,
      clock,
      log,
      ask,
      kick: () => offers.wallet.kick(),
      fatal,
    });
    this.#results = new Results({ ...options, database, ask });
  }

  /** Resolves after the first try: a port that is taken must not hold up the link. */
  async start(): Promise<void> {
    this.#starting = this.#start();
    await this.#starting;
    const { timers } = this.#options;
    this.#cancels.push(timers.every(LOOK_MS, () => this.#look()));
    this.#results.start();
  }

  /** Carries a message for the edge, or says why not. */
  forward(message: EdgeMessage<'mesh.forward'>): Refusal | null {
    return this.#running === null ? { code: 'mesh-down' } : this.#forwards.take(message);
  }

  /** A task is over. */
  finished(): void {
    this.#results.due();
  }

  cardsChanged(): void {
    this.#running?.cards.changed();
  }

  loadChanged(): void {
    this.#running?.presence.changed();
  }

  /** The ways to other nodes, or to one; null while no mesh runs. */
  routes(to?: Did): RouteTable | null {
    return this.#running === null ? null : this.#running.mesh.routes(to);
  }

  status() {
    const { state, problem } =
      this.#running === null
        ? { state: 'down' as const, problem: this.#problem }
        : { state: 'up' as const, problem: null };
    const own = [
      ...(problem === null ? [] : [`${problem.code}: ${problem.detail}`]),
      ...(this.#clockProblem === null ? [] : [this.#clockProblem]),
    ];
    const known = this.#running?.mesh.status();
    return {
      state,
      since: this.#since,
      ...known,
      problems: [...own, ...(known?.problems ?? [])],
      gateway: this.#forwards.status(),
    };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const cancel of this.#cancels) cancel();
    await this.#starting;
    await this.#results.stop();
    const running = this.#running;
    this.#running = null;
    if (running === null) return;
    running.stopWatching();
    running.presence.stop();
    running.cards.stop();
    await running.mesh.stop();
  }

  async #start(): Promise<void> {
    const { launch, log, timers, clock } = this.#options;
    const started = await launch();
    if (started.ok) {
      if (this.#isStopped) return started.value.stop();
      this.#since = clock.now();
      this.#problem = null;
      await this.#serve(started.value);
      log.info('mesh up', { addresses: started.value.addresses() });
      return;
    }
    const problem = { code: started.code, detail: started.detail ?? '' };
    // Said once for each new reason, not once a try.
    if (this.#problem?.detail !== problem.detail) {
      log.warn('mesh down', { ...problem, retryMs: RETRY_MS });
    }
    this.#problem = problem;
    this.#cancels.push(
      timers.after(RETRY_MS, () => {
        if (this.#isStopped) return;
        this.#starting = this.#start().catch(this.#options.fatal);
      }),
    );
  }

  async #serve(mesh: Mesh): Promise<void> {
    const { offers, lines, take, clock, timers, log, fatal } = this.#options;
    const { wallet, queue } = offers;
    const lookups = new Lookups(wallet.book, clock);
    const asked = () => this.#results.asked();
    const forwards = this.#forwards;
    answerQuestions(mesh, { offers, lines, take, forwards, lookups, asked, fatal });
    await this.#options.serve(mesh);
    const { database } = wallet;
    const cards = new OwnCards({ mesh, database, clock, timers, log, fatal });
    const presence = new OwnPresence({ mesh, load: () => queue.load, timers, log });
    const stopWatching = mesh.wire.watch({ up: (peer) => this.#results.came(peer) });
    this.#running = { mesh, cards, presence, stopWatching };
    this.#tellAddresses(mesh);
    cards.start();
  }

  #look(): void {
    const mesh = this.#running?.mesh;
    if (mesh === undefined) return;
    this.#tellAddresses(mesh);
    this.#compareClocks(mesh);
  }

  #tellAddresses(mesh: Mesh): void {
    const addresses = new Set(mesh.addresses());
    if (addresses.symmetricDifference(this.#addresses).size === 0) return;
    this.#addresses = addresses;
    this.#options.moved([...addresses]);
  }

  /** Half of the peers cannot be wrong by as much in one direction unless this node is. */
  #compareClocks(mesh: Mesh): void {
    const peers = new Set<Did>(mesh.wire.connections().map(({ did }) => did));
    const offs = [...peers]
      .flatMap((peer) => mesh.agreed(peer)?.clockOffMs ?? [])
      .sort((x, y) => x - y);
    const off = offs[Math.floor(offs.length / 2)] ?? 0;
    const isOff = Math.abs(off) > CLOCK_OFF_MS;
    if (isOff && this.#clockProblem === null) {
      const hint = 'set this machine to network time';
      this.#options.log.warn('clock off', { offMs: -off, peers: offs.length, hint });
    }
    const seconds = Math.round(Math.abs(off) / 1_000);
    this.#clockProblem = isOff
      ? `clock-off: ${seconds} s ${off > 0 ? 'behind' : 'ahead of'} the peers of the mesh`
      : null;
  }
}
