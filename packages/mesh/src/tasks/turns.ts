import { BULK_TURN_EVERY } from '../limits.ts';
import type { QosClass } from './message.ts';

/**
 * Whose piece is written next on a busy connection. Control goes before bulk, but of
 * BULK_TURN_EVERY turns that both want one is bulk's: a flood of small messages starves no result.
 * One piece is on its way at a time, so control waits for one piece of bulk at most.
 */
export class Turns {
  readonly #waiting: { [qos in QosClass]: (() => void)[] } = { control: [], bulk: [] };
  #isTaken: boolean;
  /** Turns of control in a row while bulk waited. */
  #controlInARow: number;

  constructor() {
    this.#isTaken = false;
    this.#controlInARow = 0;
  }

  /** Does the work in its turn. */
  async take<T>(qos: QosClass, work: () => Promise<T>): Promise<T> {
    if (this.#isTaken) await new Promise<void>((resolve) => this.#waiting[qos].push(resolve));
    this.#isTaken = true;
    try {
      return await work();
    } finally {
      this.#pass();
    }
  }

  get isIdle(): boolean {
    return !this.#isTaken;
  }

  #pass(): void {
    const next = this.#next();
    // The turn is handed over, never put down: nobody comes between.
    if (next === undefined) this.#isTaken = false;
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
