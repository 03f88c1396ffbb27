import type { Did, Result } from '@zerostate/shared';
import { deadline } from '../deadline.ts';
import {
  RESERVE_BACKOFF_MS_MAX,
  RESERVE_BACKOFF_MS_MIN,
  RESERVE_MS,
  RESERVE_PATIENT_AFTER,
  RESERVE_PATIENT_MS,
  SUPERVISE_MS,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { Cancel } from '../ports.ts';

export type ReserveCode = 'relay-unreachable' | 'relay-not-serving' | 'relay-refused';

/** What the supervisor does with relays. */
export interface RelayDoor {
  /** Connects to the relay's full address and reserves there; again is harmless. */
  reserve(address: string, signal: AbortSignal): Promise<Result<Did, ReserveCode>>;
  isReserved(relay: Did): boolean;
  /** Listeners of the node in all: what must not grow. */
  listeners(): number;
}

export interface RelayStatus {
  relay: string;
  did: Did;
  state: 'reserved' | 'reserving' | 'waiting';
  /** Since when, ms since the epoch. */
  since: number;
  /** Reservations made in this life of the node, and attempts that failed since the last. */
  reservations: number;
  failures: number;
  problem: { code: ReserveCode; detail: string } | null;
}

/**
 * Keeps a reservation on each of several relays. libp2p reserves once and never again
 * (js-libp2p issue 3601); here each relay is looked at every SUPERVISE_MS and whenever a
 * connection ends, and asked again with jittered backoff until it has the node back.
 */
export class RelaySupervisor {
  readonly #door: RelayDoor;
  readonly #ports: MeshPorts;
  readonly #keepers: RelayKeeper[];

  constructor(door: RelayDoor, ports: MeshPorts, relays: readonly { address: string; did: Did }[]) {
    this.#door = door;
    this.#ports = ports;
    this.#keepers = relays.map(({ address, did }) => new RelayKeeper(door, ports, address, did));
  }

  start(): void {
    for (const keeper of this.#keepers) keeper.start();
  }

  /** A connection to this peer ended: if it is a relay, it is asked again now. */
  lost(peer: Did): void {
    for (const keeper of this.#keepers) if (keeper.did === peer) keeper.look();
  }

  /** Listeners of the node in all; a number that does not grow. */
  listeners(): number {
    return this.#door.listeners();
  }

  status(): RelayStatus[] {
    return this.#keepers.map((keeper) => keeper.status());
  }

  async stop(): Promise<void> {
    await Promise.all(this.#keepers.map((keeper) => keeper.stop()));
    this.#ports.log.info('relays left', { listeners: this.#door.listeners() });
  }
}

class RelayKeeper {
  readonly did: Did;
  readonly #door: RelayDoor;
  readonly #ports: MeshPorts;
  readonly #address: string;
  readonly #stopping = new AbortController();
  #state: RelayStatus['state'];
  #since: number;
  #reservations: number;
  #failures: number;
  #problem: RelayStatus['problem'];
  #attempt: Promise<void> | null;
  #cancelLook: Cancel;
  #cancelRetry: Cancel;

  constructor(door: RelayDoor, ports: MeshPorts, address: string, did: Did) {
    this.#door = door;
    this.#ports = ports;
    this.#address = address;
    this.did = did;
    this.#state = 'waiting';
    this.#since = ports.clock.now();
    this.#reservations = 0;
    this.#failures = 0;
    this.#problem = null;
    this.#attempt = null;
    this.#cancelLook = () => undefined;
    this.#cancelRetry = () => undefined;
  }

  start(): void {
    this.#cancelLook = this.#ports.timers.every(SUPERVISE_MS, () => this.look());
    this.look();
  }

  /** Compares what should be with what is; starts an attempt where they differ. */
  look(): void {
    if (this.#stopping.signal.aborted || this.#attempt !== null) return;
    if (this.#door.isReserved(this.did)) return;
    if (this.#state === 'reserved') {
      this.#ports.log.warn('relay lost', { relay: this.#address });
    } else if (this.#failures > 0 && this.#state === 'waiting') {
      return;
    }
    this.#run();
  }

  #run(): void {
    if (this.#stopping.signal.aborted || this.#attempt !== null) return;
    this.#enter('reserving');
    this.#attempt = this.#reserve().finally(() => {
      this.#attempt = null;
    });
  }

  async #reserve(): Promise<void> {
    const { timers, log } = this.#ports;
    const limit = deadline(timers, RESERVE_MS, this.#stopping.signal);
    const reserved = await this.#door.reserve(this.#address, limit.signal);
    limit.cancel();
    if (this.#stopping.signal.aborted) return;
    if (reserved.ok) {
      this.#reservations += 1;
      this.#failures = 0;
      this.#problem = null;
      this.#enter('reserved');
      log.info('relay reserved', { relay: this.#address });
      return;
    }
    this.#failures += 1;
    const problem = { code: reserved.code, detail: reserved.detail ?? '' };
    // Said once for each new reason, not once an attempt.
    if (this.#problem?.code !== problem.code) {
      log.warn('relay does not take this node', { relay: this.#address, ...problem });
    }
    this.#problem = problem;
    this.#enter('waiting');
    this.#cancelRetry = timers.after(this.#backoffMs(), () => this.#run());
  }

  #backoffMs(): number {
    const doubled = RESERVE_BACKOFF_MS_MIN * 2 ** Math.min(this.#failures - 1, 16);
    const base =
      this.#failures > RESERVE_PATIENT_AFTER
        ? RESERVE_PATIENT_MS
        : Math.min(RESERVE_BACKOFF_MS_MAX, doubled);
    const [byte = 128] = this.#ports.rng.bytes(1);
    // Nodes that lost one relay together must not come back together.
    return base * (0.75 + byte / 512);
  }

  #enter(state: RelayStatus['state']): void {
    this.#state = state;
    this.#since = this.#ports.clock.now();
  }

  status(): RelayStatus {
    return {
      relay: this.#address,
      did: this.did,
      state:
        this.#state === 'reserved' && !this.#door.isReserved(this.did) ? 'waiting' : this.#state,
      since: this.#since,
      reservations: this.#reservations,
      failures: this.#failures,
      problem: this.#problem,
    };
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#cancelLook();
    this.#cancelRetry();
    await this.#attempt;
  }
}
