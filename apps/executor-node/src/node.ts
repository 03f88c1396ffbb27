import { serveGateway } from '@zerostate/mesh';
import { createEdgeClient } from '@zerostate/sdk';
import { createVerifier, LINK_DEAD_MS, MESH_FEATURE, type Result } from '@zerostate/shared';
import { CardCatalog } from './agents/catalog.ts';
import { type PublishContext, publishCards, renewCards } from './agents/publish.ts';
import { cardRefused } from './agents/store.ts';
import { type Command, type CommandContext, execute, type RunningStatus } from './commands.ts';
import type { RunningDaemon, Surroundings } from './daemon.ts';
import { Lines } from './lines.ts';
import { Link } from './link/client.ts';
import type { SentMessage } from './link/outbox.ts';
import { toldAddresses } from './mesh/addresses.ts';
import { type LaunchMesh, MeshSide } from './mesh/side.ts';
import { createHandle, type TakeMessage } from './messages.ts';
import type { OffersContext, RunnableTask } from './offers/context.ts';
import { measureGasRate } from './offers/gas-rate.ts';
import { LargeResults } from './offers/large-results.ts';
import { TaskQueue } from './offers/queue.ts';
import { resumeTasks, runTask } from './offers/run-task.ts';
import type { Cancel, Sandbox } from './ports.ts';
import { Presence } from './presence.ts';
import { readNode, saveGasRate } from './state/store.ts';
import { Book } from './wallet/book.ts';
import { fileClaims, followClaims } from './wallet/claims.ts';
import { AGE_LOOK_MS, type ExposurePolicy, type WalletContext } from './wallet/context.ts';
import { Desk } from './wallet/desk.ts';
import { Closer } from './wallet/proposals.ts';
import { Rebalancer } from './wallet/rebalance.ts';
import { Redeemer } from './wallet/redeem.ts';
import { within } from './within.ts';

/** Claims, closes and large results are looked at this often. */
const TICK_MS = 5_000;
/** A machine whose speed cannot be measured is taken for a slow one, gas per ms. */
const GAS_PER_MS_UNKNOWN = 50_000;
/** The edge refuses signed requests that are 60 s off: half of that is worth a warning. */
const CLOCK_OFF_MS = 30_000;

export interface NodeOptions extends Surroundings {
  sandbox: Sandbox;
  exposure: ExposurePolicy;
  /** Takes part in the mesh; only in the link where it is absent. */
  mesh?: MeshOfNode;
}

/** The mesh of a node: how it is started, and what peers reach through it besides the node. */
export interface MeshOfNode {
  launch: LaunchMesh;
  /** Asks the pinned edge for peers. */
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Addresses that nobody outside of this machine or its network reaches may be told. */
  allowPrivate: boolean;
}

export type RunningNode = RunningDaemon;

/**
 * A running node. Started in the order state, runtime, wallet, link, mesh, so that no message
 * arrives before everything that handles it is there; stopped in the reverse order.
 */
export async function startNode(options: NodeOptions): Promise<RunningNode> {
  const node = new ExecutorNode(options);
  await node.start();
  return node;
}

class ExecutorNode implements RunningNode {
  readonly did: string;
  readonly #options: NodeOptions;
  readonly #wallet: WalletContext;
  readonly #offers: OffersContext;
  readonly #redeemer: Redeemer;
  readonly #closer: Closer;
  readonly #rebalancer: Rebalancer;
  readonly #desk: Desk;
  readonly #publish: PublishContext;
  readonly #link: Link;
  readonly #mesh: MeshSide | null;
  readonly #presence: Presence;
  readonly #ticks: Cancel[] = [];
  #gasPerMs = GAS_PER_MS_UNKNOWN;
  #isDraining: boolean;
  #ticking: Promise<void> = Promise.resolve();

  constructor(options: NodeOptions) {
    const { state, ports, sandbox } = options;
    const { database, pinned, signer } = state;
    const { clock, log, rng, timers } = ports;
    this.#options = options;
    this.#isDraining = false;
    this.did = pinned.did;
    const edge = options.edge ?? createEdgeClient({ url: pinned.edge, signer, clock, rng, timers });
    const catalog = new CardCatalog(database, clock);
    const verifier = createVerifier();
    this.#wallet = {
      database,
      edge,
      pinned,
      signer,
      verifier,
      clock,
      log,
      book: new Book(database),
      exposure: options.exposure,
      cheapestBase: () => catalog.cheapestBase(),
      kick: () => this.#link.outbox.kick(),
    };
    const addresses: string[] = [];
    this.#publish = { database, edge, pinned, signer, sandbox, catalog, clock, log, addresses };
    this.#redeemer = new Redeemer(this.#wallet);
    this.#closer = new Closer(this.#wallet, this.#redeemer);
    this.#rebalancer = new Rebalancer(this.#wallet, this.#redeemer, rng);
    this.#desk = new Desk(this.#wallet, { redeemer: this.#redeemer, closer: this.#closer, rng });
    this.#offers = this.#makeOffers(catalog);
    this.#presence = new Presence({
      database,
      clock,
      timers,
      load: () => this.#offers.queue.load,
      isUp: () => this.#link.status.state === 'up',
      kick: this.#wallet.kick,
      fatal: options.fatal,
    });
    const lines = new Lines();
    const handle = createHandle({
      offers: this.#offers,
      redeemer: this.#redeemer,
      closer: this.#closer,
      lines,
      forward: (message) =>
        this.#mesh === null ? { code: 'not-a-gateway' } : this.#mesh.forward(message),
      fatal: options.fatal,
    });
    this.#mesh = options.mesh === undefined ? null : this.#makeMesh(options.mesh, lines, handle);
    this.#link = new Link({
      ...ports,
      pinned,
      signer,
      verifier,
      database,
      handle,
      features: this.#mesh === null ? [] : [MESH_FEATURE],
      fatal: options.fatal,
      refused: (message, code) => this.#guard(this.#refused(message, code)),
      welcomed: () => this.#guard(this.#welcomed()),
    });
  }

  #makeOffers(catalog: CardCatalog): OffersContext {
    const { ports, sandbox, fatal } = this.#options;
    const queue = new TaskQueue<RunnableTask>({
      capacity: sandbox.capacity,
      run: (task) => runTask(this.#offers, task),
      failed: fatal,
      changed: () => {
        this.#presence.changed();
        this.#mesh?.loadChanged();
      },
    });
    const gasPerMs = (): number => this.#gasPerMs;
    return {
      wallet: this.#wallet,
      timers: ports.timers,
      sandbox,
      catalog,
      queue,
      gasRate: {
        get gasPerMs() {
          return gasPerMs();
        },
      },
      largeResults: new LargeResults(this.#wallet, fatal),
      finished: () => this.#mesh?.finished(),
      isDraining: () => this.#isDraining,
    };
  }

  #makeMesh(mesh: MeshOfNode, lines: Lines, take: TakeMessage): MeshSide {
    const { ports, fatal, state } = this.#options;
    const { launch, fetch, allowPrivate } = mesh;
    const origin = state.pinned.edge;
    return new MeshSide({
      ...ports,
      launch,
      lines,
      take,
      fatal,
      offers: this.#offers,
      serve: (running) => serveGateway(running, { origin, fetch, ports }),
      isLinkUp: () => this.#link.status.state === 'up',
      moved: (addresses) => {
        this.#publish.addresses = toldAddresses(addresses, allowPrivate);
        this.#tick(() => this.#renewMoved());
      },
    });
  }

  async start(): Promise<void> {
    const { timers, log } = this.#options.ports;
    await this.#measure();
    await this.#publish.catalog.load();
    await renewCards(this.#publish);
    await this.#wallet.book.load();
    const resumed = await resumeTasks(this.#offers);
    this.#offers.queue.start();
    log.info('node started', {
      did: this.did,
      edge: this.#wallet.pinned.edge,
      sandbox: this.#options.sandbox.mode,
      gasPerMs: this.#gasPerMs,
      resumed,
    });
    await this.#link.start();
    await this.#mesh?.start();
    this.#ticks.push(
      timers.every(TICK_MS, () => this.#tick(() => this.#settleWhatWaits())),
      timers.every(AGE_LOOK_MS, () => this.#tick(() => this.#renewWhatAges())),
    );
  }

  /** The promised speed: measured at each start, remembered where that fails. */
  async #measure(): Promise<void> {
    const { state, sandbox } = this.#options;
    const measured = await measureGasRate(sandbox);
    const known = (await readNode(state.database))?.gasPerMs ?? GAS_PER_MS_UNKNOWN;
    this.#gasPerMs = measured ?? known;
    if (measured !== null) await state.database.write([saveGasRate(measured)]);
  }

  execute(command: Command): Promise<Result<unknown, string>> {
    const context: CommandContext = {
      publish: this.#publish,
      desk: this.#desk,
      via: 'link',
      published: () => {
        this.#wallet.kick();
        this.#mesh?.cardsChanged();
      },
      running: () => this.#running(),
      routes: (to) => this.#mesh?.routes(to) ?? null,
    };
    return execute(context, command);
  }

  #running(): RunningStatus {
    const { mode, memory, meter } = this.#options.sandbox;
    return {
      link: this.#link.status,
      mesh: this.#mesh?.status() ?? null,
      sandbox: { mode, memory, meter },
      queue: this.#offers.queue.load,
      gas_per_ms: this.#gasPerMs,
    };
  }

  async stop(graceMs: number): Promise<void> {
    const { timers, log, clock } = this.#options.ports;
    const endAt = clock.now() + graceMs;
    const left = (): number => Math.max(0, endAt - clock.now());
    log.info('node stopping', { ...this.#offers.queue.load });
    this.#isDraining = true;
    this.#offers.queue.stop();
    for (const cancel of this.#ticks) cancel();
    this.#presence.stop();
    await within(timers, left(), this.#offers.queue.idle());
    await within(timers, left(), this.#ticking);
    await within(timers, left(), this.#emptied(left));
    await this.#mesh?.stop();
    await this.#link.stop();
    await this.#options.sandbox.close();
    log.info('node stopped', {});
  }

  /** Resolves when the edge has everything, while it is there to take it. */
  async #emptied(left: () => number): Promise<void> {
    const { timers } = this.#options.ports;
    while (left() > 0 && this.#link.status.state === 'up') {
      if (await this.#link.outbox.isEmpty()) return;
      await new Promise<void>((resolve) => timers.after(20, resolve));
    }
  }

  /** One thing after the other; a tick that finds the last one at work is left out. */
  #tick(work: () => Promise<void>): void {
    const isLinked = this.#link.status.state === 'up';
    const downMs = this.#options.ports.clock.now() - this.#link.status.since;
    // The edge may answer HTTP where the link is refused; one that is away is not asked for long.
    if (!isLinked && downMs > LINK_DEAD_MS && downMs % AGE_LOOK_MS >= TICK_MS) return;
    this.#ticking = this.#ticking.then(work).catch(this.#options.fatal);
  }

  async #settleWhatWaits(): Promise<void> {
    await this.#closer.signPending();
    await fileClaims(this.#wallet);
    await followClaims(this.#wallet);
    this.#offers.largeResults.send();
    if ((await publishCards(this.#publish, 'link')) > 0) this.#wallet.kick();
  }

  async #renewWhatAges(): Promise<void> {
    await this.#redeemer.redeemAged();
    await this.#rebalancer.run();
    await this.#renewMoved();
  }

  /** Cards that age, or name other addresses than the node has now. */
  async #renewMoved(): Promise<void> {
    await renewCards(this.#publish);
    this.#mesh?.cardsChanged();
  }

  async #welcomed(): Promise<void> {
    this.#presence.changed();
    this.#tick(() => this.#settleWhatWaits());
    const { clock, log } = this.#options.ports;
    const answer = await this.#wallet.edge.network();
    if (!answer.ok) return;
    const offMs = clock.now() - answer.value.now;
    if (Math.abs(offMs) > CLOCK_OFF_MS) {
      log.warn('clock off', { offMs, hint: 'set this machine to network time' });
    }
  }

  async #refused(message: SentMessage, code: string): Promise<void> {
    const { database, clock, book } = this.#wallet;
    if (message.type === 'card.publish') {
      await database.write(cardRefused(message.ref, code, clock.now()));
    }
    const isClosing = book.get(message.ref)?.isClosing ?? false;
    if (message.type === 'channel.accept' && isClosing) {
      await this.#closer.giveUp(message.ref, code);
    }
  }

  #guard(work: Promise<void>): void {
    work.catch(this.#options.fatal);
  }
}
