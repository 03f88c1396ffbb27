/** How fast and how surely a card reaches every node of a network, in processes of ten nodes each. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { NodesOrder, NodesReport } from './mesh-gossip-nodes.ts';
import { type BenchResult, quantile } from './report.ts';

/** Nodes of one process. */
const SHARE = 10;
const START_MS = 120_000;
/** A message that has not come after this is missed. */
const MISSED_MS = 10_000;
/** A network that has found itself: so many neighbours each, and a few of gossipsub's heartbeats. */
const NEIGHBOURS = 6;
const MEET_MS = 120_000;
const SETTLE_MS = 5_000;
const LOOK_MS = 50;
/** An author may tell two cards a second for ever: a node past its rate is not heard, by design. */
const PAUSE_MS = 500;
const EMPTY: NodesReport = {
  ...{ did: null, address: null, awaited: null, told: null },
  ...{ listeners: [], heard: [] },
};

/** Cards of one author, told one after the other; how long until each node has checked and has it. */
export async function gossipFigures(nodes: number, cards: number): Promise<BenchResult[]> {
  const network = new Network(nodes);
  try {
    await network.start();
    const neighbours = Math.min(NEIGHBOURS, nodes - 1);
    await network.until(MEET_MS, 'meet', () => {
      return network.all('listeners').filter((count) => count >= neighbours).length === nodes;
    });
    await pause(SETTLE_MS);
    const delays: number[] = [];
    for (let i = 0; i < cards; i++) {
      await pause(PAUSE_MS);
      delays.push(...(await network.tell(`agent-${i}`)));
    }
    const figure = (name: string, value: number, unit: string): BenchResult => {
      return { name: `gossip.${nodes}.${name}`, value, unit, better: 'lower' };
    };
    return [
      figure('p50_ms', quantile(delays, 0.5), 'ms'),
      figure('p99_ms', quantile(delays, 0.99), 'ms'),
      figure('missed', cards * (nodes - 1) - delays.length, 'messages'),
    ];
  } finally {
    await network.stop();
  }
}

type Part = { process: ChildProcess; first: number; count: number; report: NodesReport };

class Network {
  readonly #parts: Part[] = [];
  readonly #nodes: number;

  constructor(nodes: number) {
    this.#nodes = nodes;
  }

  /** One process after the other: all know the first node of the first. */
  async start(): Promise<void> {
    let bootstrap: string | null = null;
    for (let first = 0; first < this.#nodes; first += SHARE) {
      const path = join(import.meta.dirname, 'mesh-gossip-nodes.ts');
      const count = Math.min(SHARE, this.#nodes - first);
      const part: Part = { process: fork(path, { execArgv: [] }), first, count, report: EMPTY };
      this.#parts.push(part);
      // Checked border: the child is this bench's own and sends nothing else.
      part.process.on('message', (message) => {
        part.report = message as NodesReport;
      });
      tellPart(part, { do: 'start', first, count, bootstrap });
      await this.until(START_MS, 'start', () => part.report.listeners.length === count);
      bootstrap ??= part.report.address;
    }
  }

  /** ms until each node but the author had the card; those that never had it are not in it. */
  async tell(agent: string): Promise<number[]> {
    // The first process's first node is connected with everybody: the author is another.
    const author = this.#parts.at(-1);
    if (author?.report.did == null) throw new Error('nobody tells');
    for (const part of this.#parts) {
      tellPart(part, { do: 'await', did: author.report.did, agent });
    }
    await this.until(START_MS, 'listen', () => {
      return this.#parts.every(({ report }) => report.awaited === agent);
    });
    tellPart(author, { do: 'tell', agent });
    const end = performance.now() + MISSED_MS;
    const wanted = this.#nodes - 1;
    while (performance.now() < end && this.all('heard').length < wanted) await pause(LOOK_MS);
    const { told } = author.report;
    if (told === null) throw new Error('nothing was told');
    return this.all('heard').map((at) => at - told);
  }

  all(field: 'listeners' | 'heard'): number[] {
    return this.#parts.flatMap(({ report }) => report[field]);
  }

  async until(withinMs: number, what: string, isSo: () => boolean): Promise<void> {
    for (const end = performance.now() + withinMs; !isSo(); await pause(LOOK_MS)) {
      if (this.#parts.some(({ process }) => process.exitCode !== null)) {
        throw new Error('a process of nodes ended');
      }
      if (performance.now() < end) continue;
      const counts = JSON.stringify(this.all('listeners'));
      throw new Error(`nodes do not ${what} within ${withinMs} ms; listeners: ${counts}`);
    }
  }

  async stop(): Promise<void> {
    for (const { process } of this.#parts) {
      if (process.exitCode !== null) continue;
      const ended = new Promise((resolve) => process.once('exit', resolve));
      process.disconnect();
      await ended;
    }
  }
}

function tellPart(part: Part, order: NodesOrder): void {
  part.process.send(order);
}
