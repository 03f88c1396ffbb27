import { Destinations } from './destinations.ts';
import { type Distance, HopDistances } from './hop-distances.ts';
import { ROUTING_LIMITS } from './limits.ts';
import { Neighbour } from './neighbour.ts';
import type { LearnedNeighbour, RouterState } from './router-state.ts';

/** η of the wait at a neighbour: it changes as fast as queues do. */
const WAIT_RATE = 0.5;
/** η of the rest of the way. */
const REST_RATE = 0.3;
/** How much farther than the nearest a next hop may be: two, or a mesh without odd cycles has no detours. */
const DETOUR_HOPS_MAX = 2;
/** By how much each hop of detour must be outweighed; at 0 detours feed on each other near saturation. */
const DETOUR_PRICE = 0.5;

export interface RouterOptions {
  /** This node. */
  readonly self: string;
  /** The least time one hop takes, ms: what an unknown path is taken to cost a hop. */
  readonly hopFloorMs: number;
  /** What a neighbour costs after a send to it failed, ms. */
  readonly failurePenaltyMs: number;
  /**
   * Where this node's rounds begin, 0 when absent. They must not fall back when the node starts
   * again, or its news is old to everyone: a clock, in rounds, gives one.
   */
  readonly firstRound?: number;
  /** Breaks ties between equal next hops; uniform in [0, 1). */
  readonly random: () => number;
}

/** What one hop teaches of the node at its other end; all in ms. */
export interface Hop {
  /** How long an envelope would wait there now. */
  readonly wait: number;
  /** How long the way between the two took. */
  readonly transfer: number;
  /** What that node estimates is left from it, its own wait not counted. */
  readonly remaining: number;
}

/** Why one neighbour is, or is not, the next hop. */
export interface Candidate {
  readonly peer: string;
  readonly hops: number;
  /** What the way by it is estimated to take, ms. */
  readonly costMs: number;
  readonly alive: boolean;
  /**
   * `next`: goes by it. `costlier`: another takes less time, its detour counted. `detour`: too much
   * farther than the nearest. `failed`: the last send to it failed. `no-way`: it knows no way.
   */
  readonly why: 'next' | 'costlier' | 'detour' | 'failed' | 'no-way';
}

/**
 * Dual Q-routing over feasible successors.
 *
 * Each node keeps Q(d, y): the time to reach destination d by neighbour y (Boyan & Littman, "Packet
 * routing in dynamically changing networks", NIPS 1993), learned from the neighbour's reply and,
 * backwards, from the envelope itself (Kumar & Miikkulainen, "Dual reinforcement Q-routing", 1997).
 * Two things are ours. Q is kept in two parts, the wait at y, which every hop over y teaches for all
 * destinations at once, and the rest. And a layer of hop distances says which neighbours may be
 * asked at all: those that lie at most `detourHopsMax` farther than the nearest, at a price for each
 * hop of detour. Without it Q-routing collapses on large meshes: envelopes wander, and their
 * wandering is what is learned.
 */
export class Router {
  readonly #options: RouterOptions;
  readonly #destinations = new Destinations();
  readonly #neighbours = new Map<string, Neighbour>();
  readonly #distances: HopDistances;
  readonly #remembered = new Map<string, Omit<LearnedNeighbour, 'peer'>>();
  readonly #self: number;

  constructor(options: RouterOptions) {
    this.#options = options;
    this.#distances = new HopDistances(
      this.#destinations,
      this.#neighbours,
      options.firstRound ?? 0,
    );
    this.#self = this.#destinations.number(options.self) ?? 0;
  }

  /**
   * Takes back what a router of this node knew when it ended. It counts for each neighbour from
   * the moment that it joins again.
   */
  restore(state: RouterState): void {
    for (const { peer, ...learned } of state.neighbours) this.#remembered.set(peer, learned);
  }

  /** What is worth keeping over a restart; distances are heard anew within a few rounds. */
  state(): RouterState {
    const neighbours = [...this.#neighbours.values()].map((neighbour) => ({
      peer: neighbour.peer,
      waitMs: neighbour.waitMs,
      rests: [...this.#destinations.entries()].flatMap(([peer, number]) => {
        const ms = neighbour.rest(number);
        return ms > 0 ? [{ peer, ms }] : [];
      }),
    }));
    return { version: 1, neighbours };
  }

  /** A connection stands; again after `failed`: what was learned through it is forgotten. */
  joined(peer: string): void {
    const known = this.#neighbours.get(peer);
    if (known) {
      if (!known.alive) known.forget();
      known.alive = true;
      this.#distances.changed();
      return;
    }
    if (this.#neighbours.size >= ROUTING_LIMITS.neighboursMax) return;
    const destination = this.#destinations.number(peer);
    if (destination === undefined) return;
    const neighbour = new Neighbour(peer, destination);
    this.#neighbours.set(peer, neighbour);
    this.#recall(neighbour);
    this.#distances.changed();
  }

  /** The connection is gone for good. */
  left(peer: string): void {
    if (this.#neighbours.delete(peer)) this.#distances.changed();
  }

  /** A send to `peer` failed: nothing goes by it until it joins again. */
  failed(peer: string): void {
    const neighbour = this.#neighbours.get(peer);
    if (!neighbour) return;
    neighbour.alive = false;
    this.#distances.changed();
  }

  /** A round of the distance layer begins: call it before `vectorFor`, every 1 to 2 s. */
  nextRound(): void {
    this.#distances.nextRound();
    const { destinationsMax, nearlyFull, forgottenRounds } = ROUTING_LIMITS;
    if (this.#destinations.known < destinationsMax * nearlyFull) return;
    const neighbours = [...this.#neighbours.values()];
    const kept = new Set([this.#self, ...neighbours.map(({ destination }) => destination)]);
    for (const [, number] of [...this.#destinations.entries()]) {
      if (kept.has(number) || !this.#distances.isSilent(number, forgottenRounds)) continue;
      for (const neighbour of neighbours) neighbour.forgetDestination(number);
      this.#distances.forget(number);
      this.#destinations.release(number);
    }
  }

  /** The number of the round that this node is in. */
  get round(): number {
    return this.#distances.round;
  }

  /** Others know of a later round of this node: it goes on from there. */
  catchUp(round: number): void {
    this.#distances.catchUp(round);
  }

  /** Rises whenever the distance to some destination changed: neighbours want to know soon. */
  get changes(): number {
    return this.#distances.changes;
  }

  /** Whether `peer` is a neighbour to which the last send, as far as is known, arrived. */
  isAlive(peer: string): boolean {
    return this.#neighbours.get(peer)?.alive === true;
  }

  neighbours(): { peer: string; alive: boolean; waitMs: number }[] {
    return [...this.#neighbours.values()].map(({ peer, alive, waitMs }) => ({
      peer,
      alive,
      waitMs,
    }));
  }

  /** Destinations within reach now. */
  reachable(): string[] {
    return [...this.#destinations.entries()].flatMap(([peer, number]) =>
      number !== this.#self && this.#distances.to(number) < ROUTING_LIMITS.distanceInfinite
        ? [peer]
        : [],
    );
  }

  /** Hops to `destination`; undefined while no way is known. */
  hops(destination: string): number | undefined {
    const number = this.#destinations.find(destination);
    const hops = number === undefined ? undefined : this.#distances.to(number);
    return hops === undefined || hops >= ROUTING_LIMITS.distanceInfinite ? undefined : hops;
  }

  /** What `peer` is told this round. Paths that begin with it are not offered to it. */
  vectorFor(peer: string): Distance[] {
    const to = this.#neighbours.get(peer);
    const vector: Distance[] = [
      { peer: this.#options.self, sequence: this.#distances.round, hops: 0 },
    ];
    if (!to) return vector;
    for (const [name, destination] of this.#destinations.entries()) {
      if (destination === this.#self || destination === to.destination) continue;
      const hops = this.#distances.avoiding(to, destination);
      if (hops >= ROUTING_LIMITS.distanceInfinite) continue;
      const sequence = this.#distances.sequence(destination);
      vector.push({ peer: name, sequence, hops });
    }
    return vector;
  }

  /** Takes the distance vector of `from`, checked at the border. */
  heard(from: string, vector: readonly Distance[]): void {
    const neighbour = this.#neighbours.get(from);
    if (!neighbour) return;
    for (const { peer, sequence, hops } of vector) {
      const destination = this.#destinations.number(peer, ROUTING_LIMITS.neighboursMax);
      if (destination === undefined || destination === this.#self) continue;
      neighbour.advertised(destination, sequence, hops);
      this.#distances.heard(destination, sequence);
    }
    this.#distances.changed();
  }

  /**
   * The neighbour to hand an envelope for `destination`, never one of those it has `passed`.
   * Undefined when there is none: the sender then tries another, or one that it has passed.
   */
  nextHop(destination: string, passed: ReadonlySet<string>): string | undefined {
    const number = this.#destinations.find(destination);
    if (number === undefined) return undefined;
    return this.#choose(number, passed)?.peer;
  }

  /** The time left from here to `destination` in ms by nodes not in `without`: what a reply says. */
  remaining(destination: string, without: ReadonlySet<string>): number {
    const number = this.#destinations.find(destination);
    if (number === this.#self) return 0;
    if (number === undefined) return this.#options.failurePenaltyMs;
    const best = this.#choose(number, without);
    return best ? this.#cost(best, number) : this.#options.failurePenaltyMs;
  }

  /**
   * One hop to or from the neighbour `by` was measured. Forward: `end` is where the envelope goes
   * and `hop` is what the reply of `by` says. Backward: `end` is where it began, `hop` what it says.
   */
  learn(end: string, by: string, { wait, transfer, remaining }: Hop): void {
    const neighbour = this.#neighbours.get(by);
    const destination = this.#destinations.find(end);
    if (!neighbour || destination === undefined || destination === this.#self) return;
    neighbour.waitMs += WAIT_RATE * (wait - neighbour.waitMs);
    const old = neighbour.rest(destination) || this.#floor(neighbour, destination);
    neighbour.setRest(destination, old + REST_RATE * (transfer + remaining - old));
  }

  /** What was handed to `by` for `end` was never answered: that way is worth less from now on. */
  unanswered(end: string, by: string): void {
    const neighbour = this.#neighbours.get(by);
    const destination = this.#destinations.find(end);
    if (!neighbour || destination === undefined) return;
    const old = neighbour.rest(destination) || this.#floor(neighbour, destination);
    neighbour.setRest(destination, old + REST_RATE * (this.#options.failurePenaltyMs - old));
  }

  /** Hops to `destination`, and every neighbour's claim to be the next: the best first. */
  explain(destination: string): { hops: number; candidates: Candidate[] } | undefined {
    const number = this.#destinations.find(destination);
    if (number === undefined) return undefined;
    const hops = this.#distances.to(number);
    const neighbours = [...this.#neighbours.values()];
    const reach = neighbours.map((neighbour) => this.#hopsBy(neighbour, number, new Set()));
    const nearest = Math.min(Number.POSITIVE_INFINITY, ...reach);
    const claims = neighbours.map((neighbour, at) => {
      const detour = (reach[at] ?? Number.POSITIVE_INFINITY) - nearest;
      const costMs = this.#cost(neighbour, number);
      const isEligible = nearest < Number.POSITIVE_INFINITY && detour <= DETOUR_HOPS_MAX;
      const pricedMs = isEligible ? priced(costMs, detour) : Number.POSITIVE_INFINITY;
      const { peer, alive } = neighbour;
      return { peer, hops: this.#distances.from(neighbour, number), costMs, alive, pricedMs };
    });
    claims.sort(
      (a, b) =>
        Number(b.alive) - Number(a.alive) || less(a.pricedMs, b.pricedMs) || a.costMs - b.costMs,
    );
    const candidates = claims.map(({ pricedMs, ...claim }, at): Candidate => {
      const isKnown = claim.hops < ROUTING_LIMITS.distanceInfinite;
      const isEligible = pricedMs < Number.POSITIVE_INFINITY;
      const claimed = !claim.alive ? 'failed' : isKnown ? 'detour' : 'no-way';
      return { ...claim, why: !isEligible ? claimed : at === 0 ? 'next' : 'costlier' };
    });
    return { hops, candidates };
  }

  #recall(neighbour: Neighbour): void {
    const learned = this.#remembered.get(neighbour.peer);
    if (!learned) return;
    this.#remembered.delete(neighbour.peer);
    neighbour.waitMs = learned.waitMs;
    for (const { peer, ms } of learned.rests) {
      const destination = this.#destinations.number(peer);
      if (destination !== undefined) neighbour.setRest(destination, ms);
    }
  }

  #floor(neighbour: Neighbour, destination: number): number {
    return (this.#distances.from(neighbour, destination) + 1) * this.#options.hopFloorMs;
  }

  /** Q(destination, neighbour) in ms. Who is the destination does not let an envelope wait. */
  #cost(neighbour: Neighbour, destination: number): number {
    const wait = neighbour.destination === destination ? 0 : neighbour.waitMs;
    return wait + Math.max(neighbour.rest(destination), this.#floor(neighbour, destination));
  }

  /** Hops from `neighbour` to `destination`, or infinity when it is not to be asked. */
  #hopsBy(neighbour: Neighbour, destination: number, passed: ReadonlySet<string>): number {
    if (!neighbour.alive || passed.has(neighbour.peer)) return Number.POSITIVE_INFINITY;
    const hops = this.#distances.from(neighbour, destination);
    return hops < ROUTING_LIMITS.distanceInfinite ? hops : Number.POSITIVE_INFINITY;
  }

  #choose(destination: number, passed: ReadonlySet<string>): Neighbour | undefined {
    let nearest = Number.POSITIVE_INFINITY;
    for (const neighbour of this.#neighbours.values()) {
      nearest = Math.min(nearest, this.#hopsBy(neighbour, destination, passed));
    }
    if (nearest === Number.POSITIVE_INFINITY) return undefined;
    let best: Neighbour | undefined;
    let least = Number.POSITIVE_INFINITY;
    let ties = 0;
    for (const neighbour of this.#neighbours.values()) {
      const detour = this.#hopsBy(neighbour, destination, passed) - nearest;
      if (detour > DETOUR_HOPS_MAX) continue;
      const cost = priced(this.#cost(neighbour, destination), detour);
      if (cost > least) continue;
      ties = cost === least ? ties + 1 : 1;
      if (ties > 1 && this.#options.random() * ties >= 1) continue;
      least = cost;
      best = neighbour;
    }
    return best;
  }
}

/** What a way costs once its detour is counted, ms. */
function priced(costMs: number, detour: number): number {
  return costMs * (1 + DETOUR_PRICE * detour);
}

/** For sorting; the difference of two infinities is none. */
function less(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
