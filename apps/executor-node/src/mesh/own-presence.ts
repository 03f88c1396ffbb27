import type { Mesh } from '@zerostate/mesh';
import type { Cancel, Log, Timers } from '../ports.ts';

/** Presence is a hint: at most one a second, and one that nobody renews is forgotten. */
const CHANGED_MS = 1_000;
const RENEWED_MS = 30_000;

type Load = { queue: number; running: number; capacity: number };

/** Tells the mesh how much work waits and runs here, when that changes and every 30 s. */
export class OwnPresence {
  readonly #mesh: Mesh;
  readonly #load: () => Load;
  readonly #timers: Timers;
  readonly #log: Log;
  readonly #cancelRenewal: Cancel;
  #cancel: Cancel | null;
  #told: string;

  constructor(options: { mesh: Mesh; load: () => Load; timers: Timers; log: Log }) {
    const { mesh, load, timers, log } = options;
    this.#mesh = mesh;
    this.#load = load;
    this.#timers = timers;
    this.#log = log;
    this.#cancel = null;
    this.#told = '';
    this.#cancelRenewal = timers.every(RENEWED_MS, () => this.#tell(true));
    this.changed();
  }

  changed(): void {
    this.#cancel ??= this.#timers.after(CHANGED_MS, () => {
      this.#cancel = null;
      this.#tell(false);
    });
  }

  stop(): void {
    this.#cancel?.();
    this.#cancelRenewal();
  }

  #tell(isRenewal: boolean): void {
    const load = this.#load();
    const told = JSON.stringify(load);
    if (!isRenewal && told === this.#told) return;
    this.#mesh.gossip.tellPresence(load).then(
      (listeners) => {
        // Told to nobody is not told: whoever comes hears it with the next change or renewal.
        if (listeners > 0) this.#told = told;
      },
      (cause: unknown) => this.#log.warn('presence not told', { detail: String(cause) }),
    );
  }
}
