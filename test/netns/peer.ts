import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { namespaceOf, type Place } from './networks.ts';
import type { Command, PeerConfig } from './peer-config.ts';

/** Starting may take long on a busy machine; an answer has its own limits inside the node. */
const ANSWER_MS = 60_000;

/** A node in a place of the network, asked over its standard input. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #lines: Interface;
  readonly #gone: Promise<never>;
  did: string;
  /** Where it could be reached when it started. */
  addresses: string[];
  /** What libp2p said of its attempts at direct connections (dcutr). */
  readonly upgrades: string[];

  private constructor(child: ChildProcess, lines: Interface) {
    this.#child = child;
    this.#lines = lines;
    this.#gone = once(child, 'exit').then(() => Promise.reject(new Error('the node ended')));
    this.#gone.catch(() => undefined);
    this.did = '';
    this.addresses = [];
    this.upgrades = [];
  }

  static async start(place: Place, config: PeerConfig): Promise<Peer> {
    const main = join(import.meta.dirname, 'peer-main.ts');
    const args = ['netns', 'exec', namespaceOf(place), process.execPath, main];
    const child = spawn('ip', [...args, JSON.stringify(config)], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, DEBUG: 'libp2p:dcutr*', DEBUG_COLORS: 'no' },
    });
    const peer = new Peer(child, createInterface({ input: child.stdout }));
    createInterface({ input: child.stderr }).on('line', (line) => peer.#heard(line));
    const { did, addresses } = await peer.#answer('start');
    peer.did = String(did);
    peer.addresses = Array.isArray(addresses) ? addresses.map(String) : [];
    return peer;
  }

  async ask(command: Command): Promise<Record<string, unknown>> {
    const answer = this.#answer(command.do);
    this.#child.stdin?.write(`${JSON.stringify(command)}\n`);
    return answer;
  }

  freeze(): void {
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exited = once(this.#child, 'exit', { signal: AbortSignal.timeout(ANSWER_MS) });
    this.#child.kill('SIGKILL');
    await exited;
  }

  #heard(line: string): void {
    if (line.includes('libp2p:dcutr')) this.upgrades.push(line);
    else process.stderr.write(`${line}\n`);
  }

  async #answer(to: string): Promise<Record<string, unknown>> {
    const late = AbortSignal.timeout(ANSWER_MS);
    const [line]: unknown[] = await Promise.race([
      once(this.#lines, 'line', { signal: late }).catch(() => {
        throw new Error(`the node did not answer '${to}' within ${ANSWER_MS} ms`);
      }),
      this.#gone,
    ]);
    const value: unknown = JSON.parse(String(line));
    if (typeof value !== 'object' || value === null) throw new Error(`no answer: ${String(line)}`);
    return { ...value };
  }
}
