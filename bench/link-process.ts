/** The processes that hold links: the edge and a bare server, and what they take for it. */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { networkAnswerSchema } from '@zerostate/shared';
import { type Child, startChild } from '../scripts/start/child.ts';
import { startProcessEdge } from '../scripts/start/edge.ts';
import { layout } from '../scripts/start/state.ts';
import type { LinkTarget } from './link-client.ts';
import { collected, MEMORY_PRELOAD, memoryEnv, rssMib } from './process-figures.ts';

export type LinkRuntime = 'node' | 'bun';

export interface Held {
  readonly child: Child;
  readonly target: LinkTarget;
}

const ROOT = join(import.meta.dirname, '..');
const LISTEN_MS_MAX = 30_000;
const LOOK_MS = 50;
/** Readings of a process that settles, of which the least counts. */
const READINGS = 3;

const memoryFile = (state: string): string => join(state, 'memory.json');

function measured(state: string): Record<string, string> {
  return {
    ...memoryEnv(memoryFile(state)),
    NODE_OPTIONS: `--expose-gc --import=${MEMORY_PRELOAD}`,
    BUN_OPTIONS: `--preload=${MEMORY_PRELOAD}`,
  };
}

/** The real edge with its defaults, on this port, over databases in `state`; `known` if it ran before. */
export async function startLinkEdge(
  runtime: LinkRuntime,
  state: string,
  port: number,
  started: (child: Child) => void,
  known?: LinkTarget,
): Promise<Held> {
  const children: Child[] = [];
  const told = (child: Child): void => {
    children.push(child);
    started(child);
  };
  const url = await startProcessEdge(state, port, told, { runtime, settings: measured(state) });
  const [child] = children;
  if (child === undefined) throw new Error('no process was started');
  if (known !== undefined) return { child, target: known };
  const answer: unknown = await (await fetch(`${url}/v1/network`)).json();
  const { edge_did: did, network } = networkAnswerSchema.parse(answer);
  return { child, target: { host: '127.0.0.1', port, edge: { did, network } } };
}

/** A server of the same runtime with nothing but sockets. */
export async function startBare(
  runtime: LinkRuntime,
  state: string,
  started: (child: Child) => void,
): Promise<Held> {
  const child = await startChild({
    name: `bare ${runtime}`,
    command: runtime === 'node' ? process.execPath : join(ROOT, 'node_modules/.bin/bun'),
    args: [...(runtime === 'bun' ? ['run'] : []), join(import.meta.dirname, 'link-bare.ts')],
    env: measured(state),
    log: layout(state).log('bare'),
  });
  started(child);
  for (let waited = 0; waited < LISTEN_MS_MAX; waited += LOOK_MS) {
    const port = /"url":"http:\/\/127\.0\.0\.1:(\d+)"/.exec(child.tail())?.[1];
    if (port !== undefined)
      return { child, target: { host: '127.0.0.1', port: Number(port), edge: null } };
    await pause(LOOK_MS);
  }
  throw new Error(`${child.name} does not listen: ${child.tail()}`);
}

/** Resident memory once garbage is collected, KiB. */
export async function settledRssKib({ child }: Held, state: string): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let i = 0; i < READINGS; i++) {
    await collected(child.pid, memoryFile(state));
    least = Math.min(least, (await rssMib(child.pid)) * 1024);
  }
  return least;
}
