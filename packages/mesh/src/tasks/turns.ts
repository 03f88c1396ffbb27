import { BULK_TURN_EVERY } from '../limits.ts';
import type { QosClass } from './message.ts';

/**
 * Whose piece is written next on a busy connection. Control goes before bulk, but of
 * BULK_TURN_EVERY turns that both want one is bulk's: a flood of small messages starves no result.
 * Up to `width` pieces are on their way at a time: with one, control waits for one piece of bulk
 * at most.
 */
export class Turns {
  readonly #waiting: { [qos in QosClass]: (() => void)[] } = { control: [], bulk: [] };
  readonly #width: number;
  #taken: number;
  /** Turns of control in a row while bulk waited. */
  #controlInARow: number;

  constructor(width = 1) {
    this.#width = width;
    this.#taken = 0;
    this.#controlInARow = 0;
  }

  /** Does the work in its turn. */
  async take<T>(qos: QosClass, work: () => Promise<T>): Promise<T> {
    if (this.#taken < this.#width) this.#taken += 1;
    else await new Promise<void>((resolve) => this.#waiting[qos].push(resolve));
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  get isIdle(): boolean {
    return this.#taken === 0;
  }

  /** How many wait for their turn. */
  get waiting(): { readonly [qos in QosClass]: number } {
    return { control: this.#waiting.control.length, bulk: this.#waiting.bulk.length };
  }

  /** Whether somebody who came now would have to wait. */
  get isFull(): boolean {
    return this.#taken >= this.#width;
  }

  #pass(): void {
    const next = this.#next();
    // The turn is handed over, never put down: nobody comes between.
    if (next === undefined) this.#taken -= 1;
    else next();
  }

  #next(): (() => void) | undefined {
    const { control, bulk } = this.#waiting;
    const isBulkDue = this.#controlInARow >= BULK_TURN_EVERY - 1;
    if (bulk.length > 0 && (control.length === 0 || isBulkDue)) {
      this.#controlInARow = 0;
      return bulk.shift();
    }
    this.#controlInARow = bulk.length > 0 ? this.#controlInARow + 1 : 0;
    return control.shift();
  }
}
