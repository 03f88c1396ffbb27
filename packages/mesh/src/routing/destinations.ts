import { ROUTING_LIMITS } from './limits.ts';

/** Peers numbered from 0 in the order they were first heard of, so that tables are plain arrays. */
export class Destinations {
  readonly #numbers = new Map<string, number>();
  readonly #peers: (string | undefined)[] = [];
  readonly #free: number[] = [];

  /** Numbers given so far, those that were taken back included. */
  get size(): number {
    return this.#peers.length;
  }

  /** Peers that have a number. */
  get known(): number {
    return this.#numbers.size;
  }

  /** The number of `peer`, given now if it has none and `reserved` others would still find one. */
  number(peer: string, reserved = 0): number | undefined {
    const known = this.#numbers.get(peer);
    if (known !== undefined) return known;
    if (this.known >= ROUTING_LIMITS.destinationsMax - reserved) return undefined;
    const given = this.#free.pop() ?? this.#peers.length;
    this.#numbers.set(peer, given);
    this.#peers[given] = peer;
    return given;
  }

  find(peer: string): number | undefined {
    return this.#numbers.get(peer);
  }

  peer(number: number): string | undefined {
    return this.#peers[number];
  }

  /** Takes a number back: whoever keeps something under it forgets it first. */
  release(number: number): void {
    const peer = this.#peers[number];
    if (peer === undefined) return;
    this.#numbers.delete(peer);
    this.#peers[number] = undefined;
    this.#free.push(number);
  }

  entries(): IterableIterator<[peer: string, number: number]> {
    return this.#numbers.entries();
  }
}
