/** One process of the local network: started, watched, and ended in order. */
import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';

/** A process that was asked to stop has this long before it is killed. */
const STOP_MS_MAX = 10_000;
/** What a process said last, shown when it ends unasked. */
const TAIL_CHARS = 2_000;

export interface Child {
  readonly name: string;
  readonly pid: number;
  /** Resolves with the reason when the process ends, asked or not. */
  readonly ended: Promise<string>;
  /** The last words on its log. */
  tail(): string;
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Everything the process prints goes here. */
  readonly log: string;
}

export async function startChild(options: ChildOptions): Promise<Child> {
  await mkdir(dirname(options.log), { recursive: true });
  const log = createWriteStream(options.log, { flags: 'a', mode: 0o600 });
  const process_ = spawn(options.command, [...options.args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: wrappers such as deno's and wrangler's do not pass signals on, and
    // Ctrl-C must reach the processes in our order, not all at once.
    detached: true,
  });
  let tail = '';
  const keep = (chunk: Buffer): void => {
    log.write(chunk);
    tail = (tail + chunk.toString('utf8')).slice(-TAIL_CHARS);
  };
  process_.stdout.on('data', keep);
  process_.stderr.on('data', keep);
  const ended = new Promise<string>((resolve) => {
    process_.once('error', (error) => resolve(error.message));
    process_.once('close', (code, signal) => resolve(signal ?? `exit ${code}`));
  });
  void ended.then(() => log.end());
  if (process_.pid === undefined) throw new Error(`${options.name}: ${await ended}`);
  return {
    name: options.name,
    pid: process_.pid,
    ended,
    tail: () => tail.trim(),
    stop: () => stop(process_, ended),
  };
}

async function stop(process_: ChildProcess, ended: Promise<string>): Promise<void> {
  if (process_.exitCode !== null || process_.signalCode !== null) return;
  signal(process_, 'SIGTERM');
  const timer = new AbortController();
  const late = pause(STOP_MS_MAX, 'late', { signal: timer.signal }).catch(() => 'ended');
  if ((await Promise.race([ended, late])) === 'late') signal(process_, 'SIGKILL');
  timer.abort();
  await ended;
}

/** To the whole group of a process that we started. */
function signal({ pid }: ChildProcess, name: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, name);
  } catch (error) {
    // ESRCH: it ended in between.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

export interface CommandOptions extends Omit<ChildOptions, 'log'> {
  /** Each line that the command says on stderr, as it says it. */
  readonly onStderr?: (line: string) => void;
  /** Ends the command with SIGTERM; what it was run for fails. */
  readonly signal?: AbortSignal;
}

/** Runs a command to its end and returns what it printed; throws with its last words on failure. */
export async function runToEnd(options: CommandOptions): Promise<string> {
  const process_ = spawn(options.command, [...options.args], {
    env: { ...process.env, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let out = '';
  let said = '';
  process_.stdout.on('data', (chunk: Buffer) => {
    out += chunk.toString('utf8');
  });
  createInterface({ input: process_.stderr }).on('line', (line) => {
    said = `${said}${line}\n`.slice(-TAIL_CHARS);
    options.onStderr?.(line);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    process_.once('error', reject);
    process_.once('close', resolve);
  });
  if (code !== 0) {
    const words = options.onStderr === undefined ? `: ${(said || out).trim()}` : '';
    throw new Error(`${options.name} ended with ${code}${words}`);
  }
  return out;
}
