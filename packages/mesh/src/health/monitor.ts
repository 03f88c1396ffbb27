import type { Did } from '@zerostate/shared';
import { deadline } from '../deadline.ts';
import { PROBE_MS, PROBE_RELAY_MS, PROBE_RELAY_TIMEOUT_MS, PROBE_TIMEOUT_MS } from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { Cancel, PeerConnection, Wire } from '../ports.ts';
import { type PathMemory, relayOf } from '../relay/path.ts';
import { Follower, type Health } from './score.ts';

/** A probe that took this many times its limit says that this process stood still. */
const OWN_STALL = 1.2;

interface Watched {
  connection: PeerConnection;
  follower: Follower;
  isProbing: boolean;
  nextAt: number;
}

/**
 * Probes every connection. What misses one probe is suspected and probed again at once; what
 * misses the next is condemned and closed, so that whoever holds on to it learns of it.
 */
export class HealthMonitor {
  readonly #wire: Pick<Wire, 'connections' | 'probe' | 'condemn'>;
  readonly #ports: MeshPorts;
  readonly #paths: PathMemory;
  /** Relays of this node's own and those that it reaches others through. */
  readonly #ownRelays: ReadonlySet<Did>;
  #relays: ReadonlySet<Did>;
  readonly #watched = new Map<string, Watched>();
  readonly #stopping = new AbortController();
  #condemned: number;
  #cancel: Cancel;

  constructor(
    wire: Pick<Wire, 'connections' | 'probe' | 'condemn'>,
    ports: MeshPorts,
    relays: ReadonlySet<Did>,
    paths: PathMemory,
  ) {
    this.#wire = wire;
    this.#ports = ports;
    this.#paths = paths;
    this.#ownRelays = relays;
    this.#relays = relays;
    this.#condemned = 0;
    this.#cancel = () => undefined;
  }

  start(): void {
    this.#cancel = this.#ports.timers.every(PROBE_RELAY_MS / 2, () => this.round());
  }

  /** Looks at the connections there are and probes those that are due. */
  round(): void {
    if (this.#stopping.signal.aborted) return;
    const now = this.#ports.clock.now();
    const open = new Map(this.#wire.connections().map((one) => [one.id, one]));
    const through = [...open.values()].flatMap(({ address }) => relayOf(address) ?? []);
    this.#relays = new Set([...this.#ownRelays, ...through]);
    for (const id of this.#watched.keys()) if (!open.has(id)) this.#watched.delete(id);
    for (const [id, connection] of open) {
      const watched = this.#watched.get(id) ?? this.#watch(connection, now);
      if (!watched.isProbing && watched.nextAt <= now) void this.#probe(watched);
    }
  }

  /** Health of the best connection to a peer; null for one that is not connected. */
  of(peer: Did): Health | null {
    const now = this.#ports.clock.now();
    return [...this.#watched.values()]
      .filter(({ connection }) => connection.did === peer)
      .map(({ follower }) => follower.health(now))
      .reduce<Health | null>(
        (best, one) => (best === null || one.score > best.score ? one : best),
        null,
      );
  }

  status() {
    const now = this.#ports.clock.now();
    const peers = [...this.#watched.values()].map(({ connection, follower }) => ({
      ...connection,
      ...follower.health(now),
    }));
    return { peers, condemned: this.#condemned };
  }

  stop(): void {
    this.#stopping.abort();
    this.#cancel();
    this.#watched.clear();
  }

  #watch(connection: PeerConnection, now: number): Watched {
    const follower = new Follower(connection.openedAt);
    const watched = { connection, follower, isProbing: false, nextAt: now };
    this.#watched.set(connection.id, watched);
    return watched;
  }

  async #probe(watched: Watched): Promise<void> {
    const { clock, timers, log } = this.#ports;
    const { connection, follower } = watched;
    const isRelay = this.#relays.has(connection.did);
    watched.isProbing = true;
    const startedAt = clock.now();
    const timeoutMs = isRelay ? PROBE_RELAY_TIMEOUT_MS : PROBE_TIMEOUT_MS;
    const limit = deadline(timers, timeoutMs, this.#stopping.signal);
    const isAnswered = await this.#wire.probe(connection.id, limit.signal);
    limit.cancel();
    watched.isProbing = false;
    if (this.#stopping.signal.aborted) return;
    const now = clock.now();
    watched.nextAt = startedAt + (isRelay ? PROBE_RELAY_MS : PROBE_MS);
    if (isAnswered) {
      if (isRelay) this.#paths.answered(connection.did);
      return follower.answered(now - startedAt);
    }
    // A process that was itself held up cannot say that others were late.
    if (now - startedAt > timeoutMs * OWN_STALL) return;
    follower.missed();
    if (follower.health(now).state !== 'condemned') return this.#probe(watched);
    this.#condemned += 1;
    log.warn('connection condemned', { peer: connection.did, address: connection.address });
    this.#paths.failed(connection.did);
    this.#wire.condemn(connection.id);
  }
}
