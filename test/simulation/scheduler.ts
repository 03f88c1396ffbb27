/**
 * Simulated time. Everything that happens is an event with a moment; events are run one at a time,
 * and the next one only when nothing of the last is left to do. What the events were is hashed, so
 * that two runs of one seed can be compared.
 */
import { createHash } from 'node:crypto';
import { quiesce } from './turns.ts';

export type Cancel = () => void;

/** One process of the world. Its end takes its timers and whatever is on its way inside of it. */
export class Life {
  readonly name: string;
  #isAlive: boolean;
  #isDoomed: boolean = false;

  constructor(name: string) {
    this.name = name;
    this.#isAlive = true;
  }

  /** Whether it dies at a write that it has asked for. */
  get isDoomed(): boolean {
    return this.#isDoomed;
  }

  doom(): void {
    this.#isDoomed = true;
  }

  get isAlive(): boolean {
    return this.#isAlive;
  }

  end(): void {
    this.#isAlive = false;
  }
}

type Event = {
  at: number;
  nth: number;
  life: Life | null;
  label: string;
  /** A timer that only looks whether there is something to do. */
  isTick: boolean;
  run: () => void;
};

export class Scheduler {
  now: number;
  /** Events that were run, ticks not counted. */
  events = 0;
  readonly #queue: Event[] = [];
  readonly #hash = createHash('sha256');
  /** The last labels, for a failure's report. */
  readonly tail: string[] = [];
  #nth = 0;

  constructor(start: number) {
    this.now = start;
  }

  /** Runs `run` after `ms`, unless it is cancelled or `life` has ended by then. */
  after(ms: number, life: Life | null, label: string, run: () => void, isTick = false): Cancel {
    this.#nth += 1;
    const event = { at: this.now + Math.max(0, ms), nth: this.#nth, life, label, isTick, run };
    push(this.#queue, event);
    return () => {
      event.run = () => undefined;
      event.life = CANCELLED;
    };
  }

  every(ms: number, life: Life, label: string, run: () => void): Cancel {
    let cancel: Cancel = () => undefined;
    const turn = () => {
      cancel = this.after(ms, life, label, tick, true);
    };
    const tick = () => {
      turn();
      run();
    };
    turn();
    return () => cancel();
  }

  /** What is said here becomes part of the log, and of its hash. */
  note(text: string): void {
    this.#hash.update(`${this.now} ${text}\n`);
    this.tail.push(`${this.now} ${text}`);
    if (this.tail.length > 60) this.tail.shift();
  }

  digest(): string {
    return this.#hash.copy().digest('base64url');
  }

  /** Runs the next event and everything that follows from it at once. False: there is none. */
  async step(): Promise<boolean> {
    for (;;) {
      const event = pop(this.#queue);
      if (event === undefined) return false;
      if (event.life?.isAlive === false) continue;
      this.now = Math.max(this.now, event.at);
      if (!event.isTick) {
        this.events += 1;
        this.note(event.label);
      }
      event.run();
      await quiesce();
      return true;
    }
  }
}

const CANCELLED = new Life('cancelled');
CANCELLED.end();

const isBefore = (x: Event, y: Event): boolean => x.at < y.at || (x.at === y.at && x.nth < y.nth);

/** A binary heap, the next event first. */
function push(heap: Event[], event: Event): void {
  heap.push(event);
  let at = heap.length - 1;
  while (at > 0) {
    const up = (at - 1) >> 1;
    const parent = heap[up];
    if (parent === undefined || !isBefore(event, parent)) break;
    heap[at] = parent;
    at = up;
  }
  heap[at] = event;
}

function pop(heap: Event[]): Event | undefined {
  const [first] = heap;
  const last = heap.pop();
  if (first === undefined || last === undefined || heap.length === 0) return first;
  let at = 0;
  for (;;) {
    const left = heap[2 * at + 1];
    const right = heap[2 * at + 2];
    const down = right !== undefined && left !== undefined && isBefore(right, left) ? 2 : 1;
    const child = down === 2 ? right : left;
    if (child === undefined || !isBefore(child, last)) break;
    heap[at] = child;
    at = 2 * at + down;
  }
  heap[at] = last;
  return first;
}
