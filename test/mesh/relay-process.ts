import { type ChildProcess, type ForkOptions, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../../scripts/start/state.ts';

/** A process that has not said its address after this will not. */
const START_MS = 60_000;
const EXIT_MS = 30_000;

/** A relay in its own process, which a test kills, freezes and starts again at the same port. */
export class RelayProcess {
  readonly #seed: number;
  readonly #options: ForkOptions;
  #child: ChildProcess | null;
  address: string;

  constructor(seed: number, options: Pick<ForkOptions, 'env' | 'execArgv'> = {}) {
    this.#seed = seed;
    this.#options = options;
    this.#child = null;
    this.address = '';
  }

  async start(): Promise<void> {
    // One that nobody takes while the relay is dead.
    const port = /\/tcp\/(\d+)/.exec(this.address)?.[1] ?? String(await freePort(0));
    const program = join(import.meta.dirname, 'relay-main.ts');
    const child = fork(program, [String(this.#seed), port], this.#options);
    this.#child = child;
    const [message]: unknown[] = await Promise.race([
      once(child, 'message', { signal: AbortSignal.timeout(START_MS) }),
      once(child, 'exit').then(() => Promise.reject(new Error('the relay did not start'))),
    ]);
    this.address = addressIn(message);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('the relay does not run');
    return pid;
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || this.ended !== null) return;
    const exited = once(child, 'exit', { signal: AbortSignal.timeout(EXIT_MS) });
    child.kill('SIGKILL');
    await exited;
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }

  /** How the process ended; null while it runs, or is frozen. */
  get ended(): string | null {
    const { exitCode = null, signalCode = null } = this.#child ?? {};
    return exitCode === null && signalCode === null ? null : `${exitCode ?? signalCode}`;
  }
}

function addressIn(message: unknown): string {
  if (typeof message === 'object' && message !== null && 'address' in message) {
    if (typeof message.address === 'string') return message.address;
  }
  throw new Error('the relay has no address');
}
