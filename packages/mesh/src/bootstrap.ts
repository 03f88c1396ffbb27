import type { Did } from '@zerostate/shared';
import { deadline } from './deadline.ts';
import { BOOTSTRAP_BACKOFF_MS_MAX, BOOTSTRAP_BACKOFF_MS_MIN, DIAL_MS } from './limits.ts';
import type { MeshPorts } from './options.ts';
import type { Cancel, OpenCode, Wire } from './ports.ts';

export interface BootstrapStatus {
  address: string;
  did: Did;
  isConnected: boolean;
  failures: number;
  problem: { code: OpenCode; detail: string } | null;
}

interface Entry {
  address: string;
  did: Did;
  status: BootstrapStatus;
  cancel: Cancel;
}

/**
 * Keeps asking the nodes that this one starts from. libp2p's bootstrap module dials them once;
 * a node whose network comes back after an hour has to find its way without a restart.
 */
export class Bootstrap {
  readonly #wire: Wire;
  readonly #ports: MeshPorts;
  readonly #entries: Entry[];
  readonly #stopping = new AbortController();

  constructor(wire: Wire, ports: MeshPorts, nodes: readonly { address: string; did: Did }[]) {
    this.#wire = wire;
    this.#ports = ports;
    this.#entries = nodes.map(({ address, did }) => ({
      address,
      did,
      status: { address, did, isConnected: false, failures: 0, problem: null },
      cancel: () => undefined,
    }));
  }

  start(): void {
    for (const entry of this.#entries) void this.#keep(entry);
  }

  status(): BootstrapStatus[] {
    return this.#entries.map(({ did, status }) => ({
      ...status,
      isConnected: this.#wire.isConnected(did),
    }));
  }

  stop(): void {
    this.#stopping.abort();
    for (const { cancel } of this.#entries) cancel();
  }

  async #keep(entry: Entry): Promise<void> {
    const { timers, log } = this.#ports;
    if (this.#stopping.signal.aborted) return;
    const { status, address, did } = entry;
    if (this.#wire.isConnected(did)) {
      // It may have come by itself, or by another way.
      status.failures = 0;
      status.problem = null;
    } else {
      const limit = deadline(timers, DIAL_MS, this.#stopping.signal);
      const connected = await this.#wire.connect(address, limit.signal);
      limit.cancel();
      if (this.#stopping.signal.aborted) return;
      if (connected.ok) {
        status.failures = 0;
        status.problem = null;
      } else {
        status.failures += 1;
        const problem = { code: connected.code, detail: connected.detail ?? '' };
        if (status.problem?.code !== problem.code) {
          log.warn('bootstrap node does not answer', { address, ...problem });
        }
        status.problem = problem;
      }
    }
    entry.cancel = timers.after(this.#pauseMs(status.failures), () => void this.#keep(entry));
  }

  #pauseMs(failures: number): number {
    const [byte = 128] = this.#ports.rng.bytes(1);
    const base = Math.min(
      BOOTSTRAP_BACKOFF_MS_MAX,
      BOOTSTRAP_BACKOFF_MS_MIN * 2 ** Math.min(failures, 8),
    );
    return base * (0.75 + byte / 512);
  }
}
