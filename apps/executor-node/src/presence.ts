import type { Cancel, Clock, Timers } from './ports.ts';
import type { Database } from './state/database.ts';
import { outboxInsert } from './state/store.ts';

/** Presence is a hint: at most one a second. */
const PRESENCE_MS = 1_000;

type Load = { queue: number; running: number; capacity: number };

interface PresenceOptions {
  database: Database;
  clock: Clock;
  timers: Timers;
  load: () => Load;
  isUp: () => boolean;
  kick: () => void;
  fatal: (cause: unknown) => void;
}

/** Tells the edge how much work waits and runs here, when that changes. */
export class Presence {
  readonly #options: PresenceOptions;
  #timer: Cancel | null = null;
  #told = '';

  constructor(options: PresenceOptions) {
    this.#options = options;
  }

  changed(): void {
    this.#timer ??= this.#options.timers.after(PRESENCE_MS, () => {
      this.#timer = null;
      this.#tell().catch(this.#options.fatal);
    });
  }

  stop(): void {
    this.#timer?.();
    this.#timer = null;
  }

  async #tell(): Promise<void> {
    const { database, clock, load, isUp, kick } = this.#options;
    // What a lost link does not carry is told again after the next welcome.
    if (!isUp()) {
      this.#told = '';
      return;
    }
    const body = load();
    const told = JSON.stringify(body);
    if (told === this.#told) return;
    this.#told = told;
    await database.write(outboxInsert({ type: 'presence', ref: '', body }, clock.now()));
    kick();
  }
}
