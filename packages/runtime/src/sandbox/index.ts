/** @zerostate/runtime/sandbox: untrusted modules in warm, disposable processes. Node only. */
import { availableParallelism } from 'node:os';
import type { RunLimits } from '../outcome.ts';
import { findMemoryGroups } from './adapters/memory-group.ts';
import { findNetworkCutter, type NetworkMode, nativeSha256, nodePorts } from './adapters/node.ts';
import { type Busy, type JobResult, Pool, type SandboxJob } from './pool.ts';

export type { Busy, JobResult, NetworkMode, SandboxJob };

export interface SandboxOptions {
  /** Worker processes; default one for each core. */
  workers?: number;
  /** Jobs that may wait; default 64 for each worker. */
  queueMax?: number;
  /** The most that a job may ask for; default `SANDBOX_LIMITS`. */
  limits?: Partial<RunLimits>;
  /** Resident MiB of a worker beside the pages of its job; default 1024, compilers need some. */
  overheadMibMax?: number;
}

export const SANDBOX_LIMITS: RunLimits = {
  gasMax: 1_000_000_000_000n,
  /** 1 GiB. */
  pagesMax: 16_384,
  wallMsMax: 600_000,
  outputMax: 64 * 1024 * 1024,
};

export type MemoryMode = 'cgroup' | 'watchdog';

export interface SandboxStatus {
  /** `netns`: workers have no network. `imports-only`: nothing that a guest imports reaches one. */
  mode: NetworkMode;
  /**
   * `watchdog`: the resident memory of a busy worker is looked at every 50 ms, and a worker over
   * its overhead and its job's pages is killed. `cgroup`: the kernel also ends one that takes more
   * than its overhead and the most pages of any job, at once.
   */
  memory: MemoryMode;
  workers: number;
  ready: number;
  running: number;
  queue: number;
  pids: number[];
}

export interface Sandbox {
  /** Runs a job in a worker process, or says that the queue is full. */
  run(job: SandboxJob): Promise<JobResult | Busy>;
  status(): SandboxStatus;
  /** Ends all workers; jobs that run or wait end as `worker-died`. */
  close(): Promise<void>;
}

const MIB = 1024 * 1024;
const PAGE_BYTES = 65_536;

/** Starts the worker processes. Throws where none can be started, with what it said last. */
export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const workers = options.workers ?? availableParallelism();
  const limits = { ...SANDBOX_LIMITS, ...options.limits };
  const overheadBytesMax = (options.overheadMibMax ?? 1024) * MIB;
  const cutter = await findNetworkCutter();
  const groups = findMemoryGroups();
  const bytesMax = overheadBytesMax + limits.pagesMax * PAGE_BYTES;
  const pool = new Pool(nodePorts(cutter, groups && { groups, bytesMax }), {
    workers,
    queueMax: options.queueMax ?? 64 * workers,
    limits,
    overheadBytesMax,
    hash: nativeSha256,
  });
  const failure = await pool.start();
  if (failure !== undefined) throw new Error(`no sandbox worker starts: ${failure}`);
  return {
    run: (job) => pool.run(job),
    status: () => ({
      mode: cutter === undefined ? 'imports-only' : 'netns',
      memory: groups === undefined ? 'watchdog' : 'cgroup',
      ...pool.counts(),
      pids: pool.pids(),
    }),
    close: () => pool.close(),
  };
}
