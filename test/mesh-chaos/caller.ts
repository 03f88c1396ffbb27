/** A caller's process as its parent sees it, and what the two say to each other. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';

export const configSchema = z.object({
  name: z.string(),
  folder: z.string(),
  network: z.string(),
  seed: z.number(),
  /** Jobs at the same time. */
  lanes: z.number(),
  bootstrap: z.array(z.string()),
  /** DIDs of those who do the work. */
  executors: z.array(z.string()),
});
export type CallerConfig = z.infer<typeof configSchema>;

/** work: begin. rest: finish what is under way, then tell every task there ever was. */
export const askSchema = z.object({ ask: z.enum(['work', 'rest']) });
export type Ask = z.infer<typeof askSchema>;

const rowSchema = z.object({
  task: z.string(),
  ch: z.string(),
  lane: z.number(),
  state: z.string(),
  receipt: z.string().nullable(),
  price: z.string(),
  executor: z.string(),
  /** Of the voucher that paid it: the lane's total with it. */
  cum: z.string(),
});
/** One task in the caller's wallet. */
export type Row = z.infer<typeof rowSchema>;

const endSchema = z.object({
  /** How the run ended. */
  code: z.string(),
  tried: z.array(z.string()),
  /** What each step of the run took, in ms. */
  took: z.record(z.string(), z.number()),
  /** Rounds of recovery that it took after the run. */
  recoveries: z.number(),
  /** What the wallet says of each task of the job. */
  states: z.array(z.string()),
});
export type JobEnd = z.infer<typeof endSchema>;

const toldSchema = z.discriminatedUnion('told', [
  z.object({ told: z.literal('ready') }),
  z.object({ told: z.literal('begun'), job: z.string(), at: z.number() }),
  z.object({ told: z.literal('ended'), job: z.string(), at: z.number(), end: endSchema }),
  z.object({ told: z.literal('rows'), rows: z.array(rowSchema) }),
]);
export type Told = z.infer<typeof toldSchema>;

/** A piece of work from the caller's wish to the last of its money. */
export interface Job {
  readonly name: string;
  readonly begunAt: number;
  ended: { at: number; end: JobEnd } | null;
}

export class CallerProcess {
  readonly jobs = new Map<string, Job>();
  readonly #child: ChildProcess;
  #rows: (rows: Row[]) => void = () => undefined;
  #said = '';

  constructor(config: CallerConfig, environment: Readonly<Record<string, string>>) {
    this.#child = fork(join(import.meta.dirname, 'caller-main.ts'), [JSON.stringify(config)], {
      silent: true,
      env: { ...process.env, ...environment },
    });
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        this.#said = (this.#said + chunk.toString('utf8')).slice(-2_000);
      });
    }
    this.#child.on('message', (message) => this.#take(toldSchema.parse(message)));
  }

  /** Resolves when it is connected to the mesh. */
  async ready(): Promise<void> {
    const exited = once(this.#child, 'exit').then(() => Promise.reject(this.#ended()));
    await Promise.race([once(this.#child, 'message'), exited]);
  }

  work(): void {
    this.#ask({ ask: 'work' });
  }

  /** Every task of its wallet, once nothing is under way any more. */
  async rest(): Promise<Row[]> {
    const rows = new Promise<Row[]>((resolve) => {
      this.#rows = resolve;
    });
    this.#ask({ ask: 'rest' });
    const exited = once(this.#child, 'exit').then(() => Promise.reject(this.#ended()));
    return Promise.race([rows, exited]);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  #ask(ask: Ask): void {
    if (!this.#child.connected) throw this.#ended();
    this.#child.send(ask);
  }

  #ended(): Error {
    return new Error(`a caller ended: ${this.#said}`);
  }

  #take(told: Told): void {
    if (told.told === 'begun') {
      this.jobs.set(told.job, { name: told.job, begunAt: told.at, ended: null });
    }
    if (told.told === 'ended') {
      const job = this.jobs.get(told.job);
      if (job !== undefined) job.ended = { at: told.at, end: told.end };
    }
    if (told.told === 'rows') this.#rows(told.rows);
  }
}
