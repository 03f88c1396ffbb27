/** The edge as each runtime really runs it: processes for Node, Bun and Deno, wrangler for workerd. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../../scripts/start/child.ts';
import { type Settings, startProcessEdge } from '../../scripts/start/edge.ts';
import { startWorkerEdge } from '../../scripts/start/worker-edge.ts';

export const RUNTIMES = ['node', 'bun', 'deno', 'workerd'] as const;
export type Runtime = (typeof RUNTIMES)[number];

export interface RunningEdge {
  readonly runtime: Runtime;
  readonly url: string;
  /** Last words of the processes, for a failing test. */
  tail(): string;
  stop(): Promise<void>;
}

export async function startEdge(runtime: Runtime, settings: Settings = {}): Promise<RunningEdge> {
  const state = await mkdtemp(join(tmpdir(), `zs-${runtime}-`));
  const children: Child[] = [];
  const stop = async () => {
    for (const child of [...children].reverse()) await child.stop();
    await rm(state, { recursive: true, force: true });
  };
  const started = (child: Child) => {
    children.push(child);
  };
  try {
    const url =
      runtime === 'workerd'
        ? await startWorkerEdge(state, 0, started, { settings })
        : await startProcessEdge(state, 0, started, { runtime, settings });
    return { runtime, url, stop, tail: () => children.map((child) => child.tail()).join('\n') };
  } catch (error) {
    await stop();
    throw error;
  }
}
