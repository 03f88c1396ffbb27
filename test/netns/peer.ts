import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { namespaceOf, type Place } from './networks.ts';

/** A node in a place of the network, asked over its standard input. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #gone: Promise<never>;

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines;
    this.#gone = once(child, 'exit').then(() => Promise.reject(new Error('the node ended')));
    this.#gone.catch(() => undefined);
  }

  static async start(
    place: Place,
    role: string,
    seed: number,
    relay = '',
  ): Promise<{ peer: Peer; hello: Record<string, unknown> }> {
    const main = join(import.meta.dirname, 'peer-main.ts');
    const args = ['netns', 'exec', namespaceOf(place), process.execPath, main];
    const child = spawn('ip', [...args, role, String(seed), relay], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const peer = new Peer(child, createInterface({ input: child.stdout }));
    return { peer, hello: await peer.#answer() };
  }

  async ask(question: string): Promise<Record<string, unknown>> {
    const answer = this.#answer();
    this.#child.stdin?.write(`${question}\n`);
    return answer;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exited;
  }

  async #answer(): Promise<Record<string, unknown>> {
    const [line]: unknown[] = await Promise.race([once(this.#lines, 'line'), this.#gone]);
    const value: unknown = JSON.parse(String(line));
    if (typeof value !== 'object' || value === null) throw new Error(`no answer: ${String(line)}`);
    return { ...value };
  }
}
