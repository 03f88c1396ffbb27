/** Edge workers as processes of their own on the databases of one folder. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Child } from '../../scripts/start/child.ts';
import { type ProcessRuntime, type Settings, startProcessEdge } from '../../scripts/start/edge.ts';

export interface WorkerProcess {
  readonly runtime: ProcessRuntime;
  readonly url: string;
  readonly child: Child;
}

/** A folder of databases and keys, and whichever workers run on it. */
export interface Site {
  readonly state: string;
  readonly workers: readonly WorkerProcess[];
  /** Resolves when the worker says that it is ready. `port` 0 takes any. */
  start(runtime: ProcessRuntime, about?: { port?: number; settings?: Settings }): Promise<string>;
  /** Ends one worker as `kill -9` does, and waits until it is gone. */
  kill(url: string): Promise<void>;
  stop(): Promise<void>;
}

export async function createSite(): Promise<Site> {
  const state = await mkdtemp(join(tmpdir(), 'zs-site-'));
  const workers: WorkerProcess[] = [];
  return {
    state,
    workers,
    async start(runtime, { port = 0, settings = {} } = {}) {
      let child: Child | undefined;
      const url = await startProcessEdge(
        state,
        port,
        (started) => {
          child = started;
        },
        { runtime, settings: { LOG_LEVEL: 'warn', ...settings } },
      ).catch(async (error: unknown) => {
        await child?.stop();
        throw error;
      });
      if (child === undefined) throw new Error('a worker is ready and was never started');
      workers.push({ runtime, url, child });
      return url;
    },
    async kill(url) {
      const at = workers.findIndex((each) => each.url === url);
      const [worker] = at < 0 ? [] : workers.splice(at, 1);
      if (worker === undefined) throw new Error(`no worker at ${url}`);
      // Its whole group: a runtime's wrapper would leave the worker itself alive.
      process.kill(-worker.child.pid, 'SIGKILL');
      await worker.child.ended;
    },
    async stop() {
      await Promise.all(workers.map(({ child }) => child.stop()));
      await rm(state, { recursive: true, force: true });
    },
  };
}
