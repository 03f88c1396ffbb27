import { DEDUP_BYTES_MAX, DEDUP_ENTRIES_MAX, DEDUP_MS } from '../limits.ts';
import type { Clock } from '../ports.ts';

interface Entry<T> {
  fingerprint: string;
  answer: Promise<T>;
  /** Bytes it holds; 0 while it is being made. */
  bytes: number;
  expiresAt: number;
}

export type Once<T> =
  | { kind: 'fresh' | 'repeated'; answer: Promise<T> }
  /** The key was used for another question. */
  | { kind: 'key-reused' };

/**
 * One answer for each key, however often and however concurrently it is asked: single flight
 * first, then the kept answer. Bounded in time, number and bytes; the oldest goes first. What
 * must be kept for good (offers, vouchers) has ids of its own further in.
 */
export class Dedup<T> {
  readonly #clock: Clock;
  readonly #sizeOf: (answer: T) => number;
  readonly #entries = new Map<string, Entry<T>>();
  #bytes: number;

  constructor(clock: Clock, sizeOf: (answer: T) => number) {
    this.#clock = clock;
    this.#sizeOf = sizeOf;
    this.#bytes = 0;
  }

  /** Answers of at most this many bytes and keys are held. */
  get size(): { entries: number; bytes: number } {
    return { entries: this.#entries.size, bytes: this.#bytes };
  }

  once(key: string, fingerprint: string, work: () => Promise<T>): Once<T> {
    this.#expire();
    const known = this.#entries.get(key);
    if (known !== undefined) {
      if (known.fingerprint !== fingerprint) return { kind: 'key-reused' };
      return { kind: 'repeated', answer: known.answer };
    }
    const entry: Entry<T> = {
      fingerprint,
      answer: work(),
      bytes: 0,
      expiresAt: this.#clock.now() + DEDUP_MS,
    };
    this.#entries.set(key, entry);
    entry.answer.then(
      (answer) => this.#keep(key, entry, this.#sizeOf(answer)),
      // A failure is nobody's answer: the next question may try again.
      () => this.#forget(key, entry),
    );
    this.#bound();
    return { kind: 'fresh', answer: entry.answer };
  }

  #keep(key: string, entry: Entry<T>, bytes: number): void {
    if (this.#entries.get(key) !== entry) return;
    entry.bytes = bytes;
    this.#bytes += bytes;
    this.#bound();
  }

  #forget(key: string, entry: Entry<T>): void {
    if (this.#entries.get(key) !== entry) return;
    this.#entries.delete(key);
    this.#bytes -= entry.bytes;
  }

  /** Entries are in order of their time: the first ones expire first. */
  #expire(): void {
    const now = this.#clock.now();
    for (const [key, entry] of this.#entries) {
      if (entry.expiresAt > now) return;
      this.#forget(key, entry);
    }
  }

  #bound(): void {
    for (const [key, entry] of this.#entries) {
      if (this.#entries.size <= DEDUP_ENTRIES_MAX && this.#bytes <= DEDUP_BYTES_MAX) return;
      this.#forget(key, entry);
    }
  }
}
