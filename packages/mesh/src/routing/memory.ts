import { ROUTER_SAVE_MS } from '../limits.ts';
import type { Cancel, Log, Timers } from '../ports.ts';
import type { Router } from './router.ts';
import { type RouterState, readRouterState } from './router-state.ts';

/** Where a router's state outlives its process. */
export interface RouterMemory {
  /** What was saved last, as it was read; null when there is nothing. Checked by the caller. */
  load(): Promise<unknown>;
  /** Replaces what was saved before, all or nothing. */
  save(state: RouterState): Promise<void>;
}

interface KeeperPorts {
  timers: Timers;
  log: Log;
}

/** Restores a router at the start and saves it now and then and at the end. */
export class RouterKeeper {
  readonly #router: Router;
  readonly #memory: RouterMemory;
  readonly #ports: KeeperPorts;
  #saved: string;
  #cancel: Cancel;

  constructor(router: Router, memory: RouterMemory, ports: KeeperPorts) {
    this.#router = router;
    this.#memory = memory;
    this.#ports = ports;
    this.#saved = '';
    this.#cancel = () => undefined;
  }

  /** A state that is damaged or cannot be read is left alone: the router learns afresh. */
  async start(): Promise<void> {
    const { log, timers } = this.#ports;
    try {
      const loaded = await this.#memory.load();
      const state = readRouterState(loaded);
      if (state !== undefined) this.#router.restore(state);
      else if (loaded !== null) log.warn('router state is damaged', {});
    } catch (cause) {
      log.warn('router state cannot be read', { detail: String(cause) });
    }
    this.#cancel = timers.every(ROUTER_SAVE_MS, () => void this.save());
  }

  async save(): Promise<void> {
    const state = this.#router.state();
    const text = JSON.stringify(state);
    if (text === this.#saved || state.neighbours.length === 0) return;
    try {
      await this.#memory.save(state);
      this.#saved = text;
    } catch (cause) {
      this.#ports.log.warn('router state cannot be saved', { detail: String(cause) });
    }
  }

  /** Call while the neighbours are still there. */
  async stop(): Promise<void> {
    this.#cancel();
    await this.save();
  }
}
