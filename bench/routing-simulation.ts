import { seeded, type Topology } from './routing-topology.ts';

export interface Packet {
  readonly source: number;
  readonly destination: number;
  readonly born: number;
  /** When it came to the node that holds it. */
  came: number;
  hops: number;
  /** The node it came from last; -1 at its source. */
  from: number;
  /** The nodes it has passed. */
  readonly passed: Set<string>;
}

/** Ticks around one hop. */
export interface HopTimes {
  /** How long the packet waited at the sender. */
  readonly waited: number;
  /** How long what is queued at the receiver takes it to serve. */
  readonly ahead: number;
  /** The same of what is left at the sender. */
  readonly left: number;
}

/** What decides the way of packets, and what it is told. Times in ticks. */
export interface Policy {
  /** The neighbour of `node` to send to; undefined when there is none. */
  choose(node: number, packet: Packet): number | undefined;
  /** `packet` went from `from` to `to`. */
  moved(from: number, to: number, packet: Packet, times: HopTimes): void;
  /** The send from `from` to `to` failed. */
  failed(from: number, to: number): void;
  /** A tick ends. `alive` changes only when nodes fail or return. */
  tick(now: number, alive: readonly boolean[]): void;
}

export interface Run {
  readonly topology: Topology;
  readonly policy: Policy;
  /** Packets that begin in a tick, on average (Poisson). */
  readonly load: number;
  readonly ticks: number;
  /** Packets born before this tick are not counted. */
  readonly warmUp: number;
  readonly seed: number;
  /** Ticks that each node needs for a packet; 1 when absent. */
  readonly service?: readonly number[];
  /** Nodes that die at a tick, with what they hold. */
  readonly failure?: { readonly at: number; readonly nodes: readonly number[] };
  /** Hops after which a packet is dropped. */
  readonly hopsMax: number;
}

export interface Outcome {
  /** Mean and 99th percentile of the delivery time of packets counted, ticks. */
  readonly mean: number;
  readonly p99: number;
  /** Delivered of those generated after the warm-up whose time would have sufficed. */
  readonly delivered: number;
  /** Delivery times by the tick of their birth, for windows. */
  readonly times: readonly (readonly [born: number, ticks: number])[];
}

/** Packets counted must be born this long before the end, or an honest queue looks like a loss. */
const TAIL_TICKS = 500;

/**
 * Packets over a network under the conditions of Boyan & Littman (1993): a link takes one tick,
 * a node serves one packet a tick from an unbounded first-in-first-out queue.
 */
export function simulate(run: Run): Outcome {
  const { topology, policy, failure } = run;
  const random = seeded(run.seed);
  const alive = topology.map(() => true);
  const queues = topology.map(() => new Queue());
  const times: [number, number][] = [];
  let counted = 0;
  for (let now = 0; now < run.ticks; now++) {
    if (failure && now === failure.at) {
      for (const node of failure.nodes) {
        alive[node] = false;
        queues[node]?.clear();
      }
    }
    for (let born = poisson(run.load, random); born > 0; born--) {
      const packet = newPacket(now, alive, random);
      queues[packet.source]?.push(packet);
      if (now >= run.warmUp && now < run.ticks - TAIL_TICKS) counted += 1;
    }
    const moves = serve(run, now, queues, alive);
    for (const [to, packet] of moves) {
      if (to === packet.destination) times.push([packet.born, now + 1 - packet.born]);
      else if (packet.hops < run.hopsMax) queues[to]?.push(packet);
    }
    policy.tick(now, alive);
  }
  return summary(run, times, counted);
}

function serve(run: Run, now: number, queues: Queue[], alive: boolean[]): [number, Packet][] {
  const moves: [number, Packet][] = [];
  for (const [node, queue] of queues.entries()) {
    if (!alive[node] || now % (run.service?.[node] ?? 1) !== 0) continue;
    const packet = queue.shift();
    if (!packet || !alive[packet.destination]) continue;
    const to = run.policy.choose(node, packet);
    packet.hops += 1;
    if (to === undefined || !alive[to]) {
      if (to !== undefined) run.policy.failed(node, to);
      if (packet.hops < run.hopsMax) queue.push(packet);
      continue;
    }
    packet.passed.add(`${node}`);
    packet.from = node;
    run.policy.moved(node, to, packet, {
      waited: now - packet.came,
      ahead: (queues[to]?.length ?? 0) * (run.service?.[to] ?? 1),
      left: queue.length * (run.service?.[node] ?? 1),
    });
    packet.came = now + 1;
    moves.push([to, packet]);
  }
  return moves;
}

function newPacket(now: number, alive: readonly boolean[], random: () => number): Packet {
  const living = (not: number): number => {
    for (;;) {
      const node = Math.floor(random() * alive.length);
      if (alive[node] && node !== not) return node;
    }
  };
  const source = living(-1);
  const destination = living(source);
  return { source, destination, born: now, came: now, hops: 0, from: -1, passed: new Set() };
}

function poisson(mean: number, random: () => number): number {
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = random(); product > limit; product *= random()) count += 1;
  return count;
}

function summary(run: Run, times: [number, number][], counted: number): Outcome {
  const end = run.ticks - TAIL_TICKS;
  const kept = times.filter(([born]) => born >= run.warmUp && born < end).map(([, time]) => time);
  kept.sort((a, b) => a - b);
  const mean = kept.reduce((sum, time) => sum + time, 0) / kept.length;
  const p99 = kept[Math.floor(kept.length * 0.99)] ?? Number.NaN;
  return { mean, p99, delivered: kept.length / counted, times };
}

/** First in, first out, in constant time. */
class Queue {
  #packets: Packet[] = [];
  #head = 0;

  push(packet: Packet): void {
    this.#packets.push(packet);
  }

  shift(): Packet | undefined {
    const packet = this.#packets[this.#head];
    if (!packet) return undefined;
    this.#head += 1;
    if (this.#head > 512 && this.#head * 2 > this.#packets.length) {
      this.#packets = this.#packets.slice(this.#head);
      this.#head = 0;
    }
    return packet;
  }

  get length(): number {
    return this.#packets.length - this.#head;
  }

  clear(): void {
    this.#packets = [];
    this.#head = 0;
  }
}
