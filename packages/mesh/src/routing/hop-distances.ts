import type { Destinations } from './destinations.ts';
import { ROUTING_LIMITS } from './limits.ts';
import type { Neighbour } from './neighbour.ts';

const { distanceInfinite, lagRoundsMax, silentRoundsMax } = ROUTING_LIMITS;
const NEVER = Number.POSITIVE_INFINITY;

/** One line of a distance vector: how far its sender is from `peer`, and how new that news is. */
export interface Distance {
  readonly peer: string;
  /** Rises with each round of the destination itself: an old path cannot pose as a new one. */
  readonly sequence: number;
  readonly hops: number;
}

/**
 * How many hops away each destination is, from the distance vectors of the neighbours.
 *
 * Destinations number their rounds (Perkins & Bhagwat, DSDV, SIGCOMM 1994), so a distance that no
 * longer descends from a living destination dies out instead of being counted upwards. News
 * travels one hop a round: a longer path is older by as many rounds, which `lagRoundsMax` allows.
 */
export class HopDistances {
  readonly #destinations: Destinations;
  readonly #neighbours: ReadonlyMap<string, Neighbour>;
  #newest = new Uint32Array(0);
  #heard = new Uint32Array(0);
  /** Least hops, the neighbour that they begin with, and the least by any other neighbour. */
  #hops = new Uint8Array(0);
  #through = new Uint32Array(0);
  #second = new Uint8Array(0);
  #oldest = new Float64Array(0);
  #round: number;
  #stale: boolean = false;
  #changes = 0;

  constructor(
    destinations: Destinations,
    neighbours: ReadonlyMap<string, Neighbour>,
    firstRound: number,
  ) {
    this.#destinations = destinations;
    this.#neighbours = neighbours;
    this.#round = firstRound;
  }

  get round(): number {
    return this.#round;
  }

  nextRound(): void {
    this.#round += 1;
    this.#stale = true;
  }

  /** Goes on from `round` where this node's own rounds had come further than it remembers. */
  catchUp(round: number): void {
    this.#round = Math.max(this.#round, round);
  }

  /** Rises whenever some distance from here became another. */
  get changes(): number {
    if (this.#stale) this.#measure();
    return this.#changes;
  }

  /** Whether nothing was heard of `destination` for so many rounds. */
  isSilent(destination: number, rounds: number): boolean {
    return this.#round - (this.#heard[destination] ?? 0) > rounds;
  }

  /** Its number is given to another destination. */
  forget(destination: number): void {
    if (destination < this.#newest.length) this.#newest[destination] = 0;
    if (destination < this.#heard.length) this.#heard[destination] = 0;
    this.#stale = true;
  }

  /** The neighbours or their news changed. */
  changed(): void {
    this.#stale = true;
  }

  /** Takes `sequence` as news of `destination`, if it is any. */
  heard(destination: number, sequence: number): void {
    this.#grow();
    if (sequence <= (this.#newest[destination] ?? 0)) return;
    this.#newest[destination] = sequence;
    this.#heard[destination] = this.#round;
  }

  sequence(destination: number): number {
    return this.#newest[destination] ?? 0;
  }

  /** Hops from here to `destination`; `distanceInfinite` when no neighbour has fresh news of it. */
  to(destination: number): number {
    if (this.#stale) this.#measure();
    return this.#hops[destination] ?? distanceInfinite;
  }

  /** Hops from `neighbour` to `destination` as it last said; infinite when that news is too old. */
  from(neighbour: Neighbour, destination: number): number {
    if (neighbour.destination === destination) return 0;
    const newest = this.#newest[destination] ?? 0;
    if (newest === 0 || this.isSilent(destination, silentRoundsMax)) return distanceInfinite;
    if (neighbour.sequence(destination) + lagRoundsMax < newest) return distanceInfinite;
    return neighbour.hops(destination);
  }

  /** Hops to `destination` on paths that do not begin with `without` (poisoned reverse). */
  avoiding(without: Neighbour, destination: number): number {
    if (this.#stale) this.#measure();
    const through = this.#through[destination] === without.destination;
    return (through ? this.#second[destination] : this.#hops[destination]) ?? distanceInfinite;
  }

  #measure(): void {
    this.#grow();
    this.#stale = false;
    const { size } = this.#destinations;
    const before = this.#hops.slice(0, size);
    this.#hops.fill(distanceInfinite);
    this.#second.fill(distanceInfinite);
    this.#judgeAges(size);
    for (const neighbour of this.#neighbours.values()) {
      if (!neighbour.alive) continue;
      this.#offer(neighbour.destination, 1, neighbour);
      const { hops, sequences } = neighbour.news();
      const known = Math.min(size, hops.length);
      for (let destination = 0; destination < known; destination++) {
        if (destination === neighbour.destination) continue;
        const isBelieved = (sequences[destination] ?? 0) >= (this.#oldest[destination] ?? NEVER);
        const by = (hops[destination] ?? distanceInfinite) + 1;
        if (isBelieved && by < distanceInfinite) this.#offer(destination, by, neighbour);
      }
    }
    if (before.some((hops, destination) => hops !== this.#hops[destination])) this.#changes += 1;
  }

  /** How old news of each destination may be: what `from` asks of one. */
  #judgeAges(size: number): void {
    for (let destination = 0; destination < size; destination++) {
      const newest = this.#newest[destination] ?? 0;
      const isGone = newest === 0 || this.isSilent(destination, silentRoundsMax);
      this.#oldest[destination] = isGone ? NEVER : newest - lagRoundsMax;
    }
  }

  #offer(destination: number, by: number, { destination: through }: Neighbour): void {
    const least = this.#hops[destination] ?? 0;
    if (by < least) {
      this.#second[destination] = least;
      this.#hops[destination] = by;
      this.#through[destination] = through;
    } else if (by < (this.#second[destination] ?? 0)) this.#second[destination] = by;
  }

  #grow(): void {
    const size = this.#destinations.size;
    if (this.#hops.length >= size) return;
    const room = Math.max(64, size * 2);
    this.#newest = grown(this.#newest, new Uint32Array(room));
    this.#heard = grown(this.#heard, new Uint32Array(room));
    this.#hops = grown(this.#hops, new Uint8Array(room).fill(distanceInfinite));
    this.#second = grown(this.#second, new Uint8Array(room).fill(distanceInfinite));
    this.#through = grown(this.#through, new Uint32Array(room));
    this.#oldest = new Float64Array(room);
  }
}

function grown<T extends Uint32Array | Uint8Array>(old: T, larger: T): T {
  larger.set(old);
  return larger;
}
