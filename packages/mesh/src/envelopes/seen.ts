import type { Did } from '@zerostate/shared';
import { ENVELOPE_SEEN_MS } from '../limits.ts';
import type { Clock } from '../ports.ts';

interface Entry {
  /** The neighbour that it came from. */
  via: Did;
  expiresAt: number;
}

/** Ids of envelopes that passed here, for as long as one of them could be replayed. */
export class Seen {
  readonly #clock: Clock;
  readonly #max: number;
  readonly #isForgetful: boolean;
  readonly #entries = new Map<string, Entry>();

  /** A forgetful one drops its oldest ids when it is full, another one takes no more. */
  constructor(clock: Clock, max: number, isForgetful: boolean) {
    this.#clock = clock;
    this.#max = max;
    this.#isForgetful = isForgetful;
  }

  /** Remembers an id that is new. */
  add(id: string, via: Did): 'added' | 'repeated' | 'full' {
    this.#expire();
    if (this.#entries.has(id)) return 'repeated';
    if (this.#entries.size >= this.#max) {
      if (!this.#isForgetful) return 'full';
      const oldest = this.#entries.keys().next();
      if (!oldest.done) this.#entries.delete(oldest.value);
    }
    this.#entries.set(id, { via, expiresAt: this.#clock.now() + ENVELOPE_SEEN_MS });
    return 'added';
  }

  has(id: string): boolean {
    this.#expire();
    return this.#entries.has(id);
  }

  /** The neighbour that this one came from. */
  via(id: string): Did | undefined {
    return this.#entries.get(id)?.via;
  }

  /** It went no further: it may come again. */
  forget(id: string): void {
    this.#entries.delete(id);
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Entries are in order of their time: the first ones expire first. */
  #expire(): void {
    const now = this.#clock.now();
    for (const [id, { expiresAt }] of this.#entries) {
      if (expiresAt > now) return;
      this.#entries.delete(id);
    }
  }
}
