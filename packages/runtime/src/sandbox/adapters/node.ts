import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, extname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ProcessEvents, SandboxPorts, WorkerProcess } from '../ports.ts';
import type { MemoryGroups } from './memory-group.ts';

/** Bytes of a dying worker's last words that are kept. */
const LAST_WORDS_BYTES = 4_096;
/** JavaScript heap of a worker; guests' memories are not in it. */
const HEAP_MIB = 512;
const PAGE_BYTES = 4_096;

/** `netns`: workers have an empty network namespace. `imports-only`: no import reaches one. */
export type NetworkMode = 'netns' | 'imports-only';

/** Commands that run another one without a network; the first that works here is taken. */
const NETWORK_CUTTERS: readonly (readonly string[])[] = [
  ['unshare', '-n', '--'],
  ['unshare', '-rn', '--'],
];

/** Finds out whether this system can start a process without a network. */
export async function findNetworkCutter(): Promise<readonly string[] | undefined> {
  for (const cutter of NETWORK_CUTTERS) {
    const [command = '', ...args] = cutter;
    const works = await new Promise<boolean>((resolved) => {
      execFile(command, [...args, process.execPath, '--version'], (error) => {
        resolved(error === null);
      });
    });
    if (works) return cutter;
  }
  return undefined;
}

/** sha256 in base64url, at the speed of the native library. */
export function nativeSha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

/** The command line of a worker: no environment, no file but its own code, no child processes. */
function workerCommand(cutter: readonly string[] | undefined): string[] {
  const here = fileURLToPath(import.meta.url);
  // Built packages are .js, sources are .ts: the worker's file has the ending that this one has.
  const main = resolve(dirname(here), '..', `worker-main${extname(here)}`);
  const hashes = dirname(fileURLToPath(import.meta.resolve('@noble/hashes/sha2.js')));
  const readable = [resolve(dirname(main), '../..'), hashes, ...linksTo('@noble/hashes', main)];
  return [
    ...(cutter ?? []),
    process.execPath,
    '--permission',
    ...readable.map((folder) => `--allow-fs-read=${folder}`),
    '--expose-gc',
    '--disable-warning=SecurityWarning',
    `--max-old-space-size=${HEAP_MIB}`,
    main,
  ];
}

/** Where a package may be linked from, seen from a file: reading a link needs leave of its own. */
function linksTo(name: string, file: string): string[] {
  const parent = dirname(file);
  if (parent === file) return [];
  return [join(parent, 'node_modules', name), ...linksTo(name, parent)];
}

/** A control group for each worker, and what it may have there. */
export interface MemoryHold {
  readonly groups: MemoryGroups;
  readonly bytesMax: number;
}

/** The operating system as Node gives it. */
export function nodePorts(cutter: readonly string[] | undefined, hold?: MemoryHold): SandboxPorts {
  const command = workerCommand(cutter);
  return {
    now: () => performance.now(),
    after: (ms, call) => {
      const timer = setTimeout(call, ms);
      return () => clearTimeout(timer);
    },
    spawn: (events) => startProcess(command, events, hold),
    residentBytes,
  };
}

function startProcess(
  command: readonly string[],
  events: ProcessEvents,
  hold: MemoryHold | undefined,
): WorkerProcess {
  const [file = '', ...args] = command;
  const child = spawn(file, args, { env: {}, stdio: ['pipe', 'pipe', 'pipe'], cwd: '/' });
  const release = child.pid === undefined ? undefined : hold?.groups.hold(child.pid, hold.bytesMax);
  let lastWords = '';
  child.stderr.on('data', (chunk: Buffer) => {
    if (lastWords.length < LAST_WORDS_BYTES) lastWords += chunk.toString('latin1');
  });
  child.stdout.on('data', (chunk: Buffer) => events.data(chunk));
  // A job written to a process that has just died; its exit tells the rest.
  child.stdin.on('error', () => undefined);
  child.on('error', (error) => events.exit(error.message));
  child.on('exit', (code, signal) => {
    release?.();
    const words = lastWords.slice(0, LAST_WORDS_BYTES).trim();
    events.exit(`exit ${signal ?? code}${words === '' ? '' : `: ${words}`}`);
  });
  return handle(child);
}

function handle(child: ChildProcess): WorkerProcess {
  return {
    pid: child.pid ?? -1,
    write: (bytes) => {
      child.stdin?.write(bytes);
    },
    kill: () => {
      child.kill('SIGKILL');
    },
    end: () => {
      child.stdin?.end();
    },
  };
}

/** From /proc where there is one, else from ps. */
async function residentBytes(pid: number): Promise<number | undefined> {
  if (process.platform === 'linux') {
    const statm = await readFile(`/proc/${pid}/statm`, 'latin1');
    return Number(statm.split(' ')[1]) * PAGE_BYTES;
  }
  return new Promise((resolved) => {
    execFile('ps', ['-o', 'rss=', '-p', String(pid)], (error, stdout) => {
      resolved(error === null ? Number(stdout) * 1024 : undefined);
    });
  });
}
