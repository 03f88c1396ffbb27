/** A task that waits or runs. */
export interface QueuedTask {
  task: string;
  wallMsMax: number;
}

/** Tasks that wait here at most; more are told `busy`. */
export const QUEUE_MAX = 256;
/** What taking an offer, starting a run and handing over its result may take beside the run. */
export const HANDLING_MS = 5_000;

/**
 * First come, first run, `capacity` at a time. It only orders: `run` does the work and settles
 * when it is done.
 */
export class TaskQueue<T extends QueuedTask> {
  readonly #capacity: number;
  readonly #run: (task: T) => Promise<void>;
  readonly #failed: (cause: unknown) => void;
  readonly #changed: () => void;
  readonly #waiting: T[] = [];
  readonly #running = new Map<string, { wallMsMax: number; done: Promise<void> }>();
  #isStopped: boolean;

  constructor(options: {
    capacity: number;
    run: (task: T) => Promise<void>;
    failed: (cause: unknown) => void;
    changed: () => void;
  }) {
    this.#capacity = options.capacity;
    this.#run = options.run;
    this.#failed = options.failed;
    this.#changed = options.changed;
    this.#isStopped = true;
  }

  get load(): { queue: number; running: number; capacity: number } {
    return {
      queue: this.#waiting.length,
      running: this.#running.size,
      capacity: this.#capacity,
    };
  }

  get isFull(): boolean {
    return this.#waiting.length >= QUEUE_MAX;
  }

  /** The longest that a task put in now may wait before it starts, ms, if all reach their limit. */
  get waitMs(): number {
    if (this.#running.size < this.#capacity) return HANDLING_MS;
    let ahead = 0;
    for (const { wallMsMax } of [...this.#running.values(), ...this.#waiting]) ahead += wallMsMax;
    return Math.ceil(ahead / this.#capacity) + HANDLING_MS;
  }

  /** Lets the tasks run that were put in. */
  start(): void {
    this.#isStopped = false;
    this.#next();
  }

  put(task: T): void {
    this.#waiting.push(task);
    this.#changed();
    this.#next();
  }

  /** Takes out a task that has not started; false when it has, or is not here. */
  remove(task: string): boolean {
    const at = this.#waiting.findIndex((one) => one.task === task);
    if (at < 0) return false;
    this.#waiting.splice(at, 1);
    this.#changed();
    return true;
  }

  /** Starts no more tasks. What waits stays on disk for the next start. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.all([...this.#running.values()].map(({ done }) => done));
    }
  }

  #next(): void {
    while (!this.#isStopped && this.#running.size < this.#capacity) {
      const task = this.#waiting.shift();
      if (task === undefined) return;
      const done = this.#run(task)
        .catch(this.#failed)
        .finally(() => {
          this.#running.delete(task.task);
          this.#changed();
          this.#next();
        });
      this.#running.set(task.task, { wallMsMax: task.wallMsMax, done });
      this.#changed();
    }
  }
}
