import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** A relay in its own process, which a test kills, freezes and starts again at the same port. */
export class RelayProcess {
  readonly #seed: number;
  #child: ChildProcess | null;
  address: string;

  constructor(seed: number) {
    this.#seed = seed;
    this.#child = null;
    this.address = '';
  }

  async start(): Promise<void> {
    const port = /\/tcp\/(\d+)/.exec(this.address)?.[1] ?? '0';
    const child = fork(join(import.meta.dirname, 'relay-main.ts'), [String(this.#seed), port]);
    this.#child = child;
    const [message]: unknown[] = await Promise.race([
      once(child, 'message'),
      once(child, 'exit').then(() => Promise.reject(new Error('the relay did not start'))),
    ]);
    this.address = addressIn(message);
  }

  async kill(): Promise<void> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill('SIGKILL');
    await exited;
  }

  freeze(): void {
    this.#child?.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child?.kill('SIGCONT');
  }
}

function addressIn(message: unknown): string {
  if (typeof message === 'object' && message !== null && 'address' in message) {
    if (typeof message.address === 'string') return message.address;
  }
  throw new Error('the relay has no address');
}
