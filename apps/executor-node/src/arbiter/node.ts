import { createEdgeClient, type EdgeClient } from '@zerostate/sdk';
import { createVerifier, edgeMessages, err, ok, type Result } from '@zerostate/shared';
import type { Command } from '../commands.ts';
import type { RunningDaemon, Surroundings } from '../daemon.ts';
import { type Delivery, Link } from '../link/client.ts';
import type { Cancel } from '../ports.ts';
import { within } from '../within.ts';
import { Judge } from './judge.ts';
import type { ClaimReads, Reruns } from './ports.ts';
import { arbiterStatus } from './status.ts';

/** Disputes that are due are looked for this often. */
const TICK_MS = 5_000;
/** The ledger's list is a backstop: a message tells of each dispute first. */
const SCAN_MS = 600_000;
/** While stopping: whether the edge has taken everything. */
const EMPTY_POLL_MS = 20;

export interface ArbiterOptions extends Surroundings {
  reruns: Reruns;
  claims: ClaimReads;
}

export type RunningArbiter = RunningDaemon;

/** A running arbiter: links as an executor does, and answers `verdict.request` with its word. */
export async function startArbiter(options: ArbiterOptions): Promise<RunningArbiter> {
  const arbiter = new Arbiter(options);
  await arbiter.start();
  return arbiter;
}

class Arbiter implements RunningArbiter {
  readonly did: string;
  readonly #options: ArbiterOptions;
  readonly #edge: EdgeClient;
  readonly #judge: Judge;
  readonly #link: Link;
  readonly #ticks: Cancel[] = [];
  #scanAt = 0;
  #isStopping: boolean;
  /** Whether the edge's ARBITERS names this one; null until the edge has said. */
  #isNamed: boolean | null;
  #ticking: Promise<void> = Promise.resolve();

  constructor(options: ArbiterOptions) {
    const { state, ports, reruns, claims } = options;
    const { database, pinned, signer } = state;
    const { clock, log, rng, timers } = ports;
    this.#options = options;
    this.#isStopping = false;
    this.#isNamed = null;
    this.did = pinned.did;
    this.#edge = options.edge ?? createEdgeClient({ url: pinned.edge, signer, clock, rng, timers });
    const verifier = createVerifier();
    this.#judge = new Judge({
      database,
      signer,
      clock,
      log,
      reruns,
      claims,
      pinned,
      verifier,
      edge: this.#edge,
      kick: () => this.#link.outbox.kick(),
    });
    this.#link = new Link({
      ...ports,
      pinned,
      signer,
      verifier,
      database,
      features: [],
      handle: (message) => this.#take(message),
      fatal: options.fatal,
      refused: ({ type, ref }, code) => {
        if (type === 'dispute.verdict') this.#tick(() => this.#judge.refused(ref, code));
      },
      welcomed: () => {
        this.#scanAt = 0;
        this.#tick(() => this.#work());
      },
    });
  }

  async start(): Promise<void> {
    const { state, ports, reruns } = this.#options;
    ports.log.info('arbiter started', {
      did: this.did,
      edge: state.pinned.edge,
      sandbox: reruns.mode,
    });
    await this.#link.start();
    this.#ticks.push(ports.timers.every(TICK_MS, () => this.#tick(() => this.#work())));
  }

  execute(command: Command): Promise<Result<unknown, string>> {
    if (command.command !== 'status') {
      return Promise.resolve(err('role-wrong', 'an arbiter has no cards, channels or earnings'));
    }
    const { state, reruns } = this.#options;
    return arbiterStatus(state.database, state.pinned, {
      link: this.#link.status,
      sandbox: { mode: reruns.mode },
      judging: this.#judge.running,
      named: this.#isNamed,
    }).then(ok);
  }

  async stop(graceMs: number): Promise<void> {
    const { ports, reruns } = this.#options;
    const endAt = ports.clock.now() + graceMs;
    const left = (): number => Math.max(0, endAt - ports.clock.now());
    ports.log.info('arbiter stopping', { judging: this.#judge.running });
    this.#isStopping = true;
    for (const cancel of this.#ticks) cancel();
    await within(ports.timers, left(), this.#ticking);
    await within(ports.timers, left(), this.#judge.stop());
    await within(ports.timers, left(), this.#emptied(left));
    await this.#link.stop();
    await reruns.close();
    ports.log.info('arbiter stopped', {});
  }

  async #emptied(left: () => number): Promise<void> {
    const { timers } = this.#options.ports;
    while (left() > 0 && this.#link.status.state === 'up') {
      if (await this.#link.outbox.isEmpty()) return;
      await new Promise<void>((resolve) => timers.after(EMPTY_POLL_MS, resolve));
    }
  }

  /** Only requests for a verdict are for an arbiter; what else comes is for an executor. */
  async #take({ type, body }: Delivery): Promise<{ code: string; detail?: string } | null> {
    if (type !== 'verdict.request') return { code: 'not-an-executor', detail: type };
    const request = edgeMessages['verdict.request'].safeParse(body);
    if (!request.success) return { code: 'message-invalid', detail: 'claim' };
    await this.#judge.asked(request.data.claim);
    this.#tick(() => this.#judge.work(this.#options.fatal));
    return null;
  }

  /** One thing after the other. */
  #tick(work: () => Promise<void>): void {
    if (this.#isStopping) return;
    this.#ticking = this.#ticking.then(work).catch(this.#options.fatal);
  }

  async #work(): Promise<void> {
    const { clock } = this.#options.ports;
    if (this.#link.status.state !== 'up') return;
    if (clock.now() >= this.#scanAt) {
      this.#scanAt = clock.now() + SCAN_MS;
      await this.#checkNamed();
      await this.#judge.scan();
    }
    await this.#judge.work(this.#options.fatal);
  }

  /** A word that does not count is worth knowing about before the first dispute. */
  async #checkNamed(): Promise<void> {
    const answer = await this.#edge.network();
    if (!answer.ok) return;
    const isNamed = answer.value.arbiters.includes(this.did);
    if (!isNamed && this.#isNamed !== false) {
      const hint = "put this DID into the edge's ARBITERS";
      this.#options.ports.log.warn('arbiter not named', { did: this.did, hint });
    }
    this.#isNamed = isNamed;
  }
}
