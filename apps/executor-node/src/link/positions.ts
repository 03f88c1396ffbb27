import type { OutboxDatabase } from '@zerostate/shared';
import type { Seen } from '../state/store.ts';

/**
 * Which of the edge's messages are done. Messages are handled side by side; what is acknowledged
 * is cumulative, so a position moves only past a message when all before it are done too.
 */
export class Positions {
  readonly #seen: Seen;
  readonly #open: Record<OutboxDatabase, Map<number, boolean>> = {
    ledger: new Map(),
    directory: new Map(),
  };

  constructor(seen: Seen) {
    this.#seen = { ...seen };
  }

  /** Highest position per database up to which all is done. */
  get seen(): Seen {
    return { ...this.#seen };
  }

  /** Messages begun and not done. */
  get open(): number {
    return this.#open.ledger.size + this.#open.directory.size;
  }

  /** False for a repetition: done before, or still being handled. */
  begin(db: OutboxDatabase, seq: number): boolean {
    if (seq <= this.#seen[db] || this.#open[db].has(seq)) return false;
    this.#open[db].set(seq, false);
    return true;
  }

  /** Whether the position moved. */
  done(db: OutboxDatabase, seq: number): boolean {
    const open = this.#open[db];
    open.set(seq, true);
    const before = this.#seen[db];
    for (const [first, isDone] of open) {
      if (!isDone) break;
      open.delete(first);
      this.#seen[db] = Math.max(this.#seen[db], first);
    }
    return this.#seen[db] !== before;
  }
}
