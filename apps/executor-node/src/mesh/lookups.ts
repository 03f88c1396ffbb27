import type { Clock } from '../ports.ts';
import type { Book } from '../wallet/book.ts';

/** Channels that this node does not know, asked of the edge for strangers: a second, and at once. */
const LOOKUPS_PER_S = 5;
const LOOKUPS_BURST = 50;

/**
 * An offer on a channel that is not in the book makes the node ask the edge about it. Whoever can
 * reach the node can make it ask; this bounds how often.
 */
export class Lookups {
  readonly #book: Book;
  readonly #clock: Clock;
  #left: number;
  #at: number;

  constructor(book: Book, clock: Clock) {
    this.#book = book;
    this.#clock = clock;
    this.#left = LOOKUPS_BURST;
    this.#at = clock.now();
  }

  admits(ch: string): boolean {
    if (this.#book.get(ch) !== null) return true;
    const now = this.#clock.now();
    const gained = (Math.max(0, now - this.#at) / 1_000) * LOOKUPS_PER_S;
    this.#left = Math.min(LOOKUPS_BURST, this.#left + gained);
    this.#at = now;
    if (this.#left < 1) return false;
    this.#left -= 1;
    return true;
  }
}
