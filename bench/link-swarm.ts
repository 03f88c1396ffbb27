/** Many links in a few processes beside the bench. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { LinkTarget } from './link-client.ts';
import type { ClientsOrder, ClientsReport } from './link-clients.ts';

/** Links of one process. */
const SHARE = 2_500;
const LOOK_MS = 20;
const EMPTY: ClientsReport = {
  ...{ made: 0, up: 0, dials: 0, lost: 0, messages: 0, acknowledged: 0 },
  ...{ lastUpAt: 0, failed: {} },
};

type Counted = 'made' | 'up' | 'dials' | 'lost' | 'messages' | 'acknowledged';
type Part = { process: ChildProcess; count: number; report: ClientsReport };

export class Swarm {
  readonly #parts: Part[] = [];

  /** Makes the keys too, so that no opening waits for them. */
  static async of(links: number): Promise<Swarm> {
    const swarm = new Swarm();
    for (let first = 0; first < links; first += SHARE) {
      swarm.#add(first, Math.min(SHARE, links - first));
    }
    await swarm.#until(() => swarm.total('made') === links, 60_000);
    return swarm;
  }

  #add(first: number, count: number): void {
    const path = join(import.meta.dirname, 'link-clients.ts');
    const part: Part = { process: fork(path, { execArgv: [] }), count, report: EMPTY };
    this.#parts.push(part);
    // Checked border: the child is this bench's own and sends nothing else.
    part.process.on('message', (message) => {
      part.report = message as ClientsReport;
    });
    this.#tell(part, { do: 'make', first, count });
  }

  #tell(part: Part, order: ClientsOrder): void {
    part.process.send(order);
  }

  total(field: Counted): number {
    return this.#parts.reduce((sum, { report }) => sum + report[field], 0);
  }

  /** Tries that failed, by their reason; fewer by those of an earlier answer. */
  failed(before: Readonly<Record<string, number>> = {}): Record<string, number> {
    const sums = Object.fromEntries(Object.entries(before).map(([name, count]) => [name, -count]));
    for (const { report } of this.#parts) {
      for (const [reason, count] of Object.entries(report.failed)) {
        sums[reason] = (sums[reason] ?? 0) + count;
      }
    }
    return sums;
  }

  /** Has `links` in all open, and resolves when they are up. */
  async open(links: number, target: LinkTarget, withinMs: number): Promise<void> {
    let left = links;
    for (const part of this.#parts) {
      const count = Math.min(part.count, left);
      left -= count;
      if (count > 0) this.#tell(part, { do: 'open', count, target });
    }
    await this.allUp(links, withinMs);
  }

  /** When the last of `links` came up, ms since the epoch. */
  async allUp(links: number, withinMs: number): Promise<number> {
    await this.#until(() => this.total('up') === links, withinMs);
    return Math.max(...this.#parts.map(({ report }) => report.lastUpAt));
  }

  /** Resolves when at least so much of this was counted. */
  reached(field: Counted, count: number, withinMs: number): Promise<void> {
    return this.#until(() => this.total(field) >= count, withinMs);
  }

  async allDown(withinMs: number): Promise<void> {
    await this.#until(() => this.total('up') === 0, withinMs);
  }

  async close(): Promise<void> {
    for (const part of this.#parts) this.#tell(part, { do: 'close' });
    await this.#until(() => this.total('up') === 0 && this.total('dials') === 0, 30_000);
  }

  async stop(): Promise<void> {
    for (const { process } of this.#parts) {
      const ended = new Promise((resolve) => process.once('exit', resolve));
      process.disconnect();
      await ended;
    }
  }

  async #until(isSo: () => boolean, withinMs: number): Promise<void> {
    for (const end = performance.now() + withinMs; !isSo(); await pause(LOOK_MS)) {
      if (this.#parts.some(({ process }) => process.exitCode !== null)) {
        throw new Error('a process of links ended');
      }
      if (performance.now() < end) continue;
      throw new Error(`not within ${withinMs} ms: ${this.#words()}`);
    }
  }

  #words(): string {
    const [made, up, dials] = [this.total('made'), this.total('up'), this.total('dials')];
    return JSON.stringify({ made, up, dials, failed: this.failed() });
  }
}
