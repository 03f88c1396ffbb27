import { ROUTING_LIMITS } from './limits.ts';

/** What a node knows through one neighbour: its distances, and the time each destination takes by it. */
export class Neighbour {
  readonly peer: string;
  /** Its own number among the destinations. */
  readonly destination: number;
  /** Whether the last thing sent to it arrived, as far as is known. */
  alive: boolean = true;
  /** How long an envelope waits there before it is handed on, ms. */
  waitMs = 0;
  #sequences = new Uint32Array(0);
  #hops = new Uint8Array(0);
  #rests = new Float64Array(0);

  constructor(peer: string, destination: number) {
    this.peer = peer;
    this.destination = destination;
  }

  hops(destination: number): number {
    return this.#hops[destination] ?? ROUTING_LIMITS.distanceInfinite;
  }

  sequence(destination: number): number {
    return this.#sequences[destination] ?? 0;
  }

  /** Hops and sequences by destination, to be read at once; what is beyond them was never heard. */
  news(): { readonly hops: Uint8Array; readonly sequences: Uint32Array } {
    return { hops: this.#hops, sequences: this.#sequences };
  }

  /** Takes one line of its distance vector; an older one than is known changes nothing. */
  advertised(destination: number, sequence: number, hops: number): void {
    this.#grow(destination);
    if (sequence < (this.#sequences[destination] ?? 0)) return;
    this.#sequences[destination] = sequence;
    this.#hops[destination] = Math.min(hops, ROUTING_LIMITS.distanceInfinite);
  }

  /** What the way takes by this neighbour but for the wait at it, ms; 0 while nothing was learned. */
  rest(destination: number): number {
    return this.#rests[destination] ?? 0;
  }

  setRest(destination: number, ms: number): void {
    this.#grow(destination);
    this.#rests[destination] = ms;
  }

  /** Its number is given to another destination. */
  forgetDestination(destination: number): void {
    if (destination >= this.#hops.length) return;
    this.#sequences[destination] = 0;
    this.#hops[destination] = ROUTING_LIMITS.distanceInfinite;
    this.#rests[destination] = 0;
  }

  /** What was learned before a failure says nothing of the time after it. */
  forget(): void {
    this.waitMs = 0;
    this.#rests.fill(0);
  }

  #grow(destination: number): void {
    if (destination < this.#hops.length) return;
    const room = Math.max(64, (destination + 1) * 2);
    const hops = new Uint8Array(room).fill(ROUTING_LIMITS.distanceInfinite);
    const sequences = new Uint32Array(room);
    const rests = new Float64Array(room);
    hops.set(this.#hops);
    sequences.set(this.#sequences);
    rests.set(this.#rests);
    this.#hops = hops;
    this.#sequences = sequences;
    this.#rests = rests;
  }
}
