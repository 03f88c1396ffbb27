import { createSandbox, SANDBOX_LIMITS } from '@zerostate/runtime/sandbox';
import type { Reruns } from '../arbiter/ports.ts';

/** An arbiter's machine may be this much slower than the executor's: gas decides, not time. */
const SLOWER = 4;

/**
 * The runtime's subprocesses for running tasks again. Throws when none starts.
 *
 * What only this machine refuses is its own fault and never the receipt's: a full queue, or limits
 * above what a worker here may have.
 */
export async function startReruns(workers: number): Promise<Reruns> {
  const sandbox = await createSandbox({
    workers,
    limits: { wallMsMax: SANDBOX_LIMITS.wallMsMax * SLOWER },
  });
  return {
    mode: sandbox.status().mode,
    capacity: workers,
    async runner(job) {
      const limits = { ...job.limits, wallMsMax: job.limits.wallMsMax * SLOWER };
      const result = await sandbox.run({ ...job, limits });
      if ('busy' in result) return { ok: false, fault: 'wall-limit', detail: 'workers are busy' };
      if ('code' in result && result.code === 'limits-exceeded') {
        return { ok: false, fault: 'host-memory', detail: result.detail };
      }
      return result;
    },
    close: () => sandbox.close(),
  };
}
