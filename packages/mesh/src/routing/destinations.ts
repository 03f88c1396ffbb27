import { ROUTING_LIMITS } from './limits.ts';

/** Peers numbered from 0 in the order they were first heard of, so that tables are plain arrays. */
export class Destinations {
  readonly #numbers = new Map<string, number>();
  readonly #peers: string[] = [];

  get size(): number {
    return this.#peers.length;
  }

  /** The number of `peer`, given now if it has none; undefined when the table is full. */
  number(peer: string): number | undefined {
    const known = this.#numbers.get(peer);
    if (known !== undefined) return known;
    if (this.#peers.length >= ROUTING_LIMITS.destinationsMax) return undefined;
    const given = this.#peers.length;
    this.#numbers.set(peer, given);
    this.#peers.push(peer);
    return given;
  }

  find(peer: string): number | undefined {
    return this.#numbers.get(peer);
  }

  peer(number: number): string | undefined {
    return this.#peers[number];
  }

  peers(): readonly string[] {
    return this.#peers;
  }
}
