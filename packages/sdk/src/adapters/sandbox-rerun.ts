import { METER } from '@zerostate/runtime';
import { createSandbox, type Sandbox } from '@zerostate/runtime/sandbox';
import type { Rerun } from '../verify/rerun.ts';

/** A caller's machine may be this much slower than its executor's. */
const SLOWER = 4;

/**
 * Re-runs programs in a disposable process, so that one which brings its engine down does not take
 * the caller and its wallet along. The process starts when a run is in sight.
 */
export function createSandboxRerun(): Rerun {
  let started: Promise<Sandbox | Error> | null = null;
  const start = () => {
    started ??= createSandbox({ workers: 1 }).catch((cause: unknown) =>
      cause instanceof Error ? cause : new Error(String(cause)),
    );
    return started;
  };
  return {
    meter: METER,
    warm: () => void start(),
    async run({ wasm, call, limits, taskId }) {
      const sandbox = await start();
      if (sandbox instanceof Error) {
        return { ok: false, fault: 'worker-died', detail: sandbox.message };
      }
      const patient = { ...limits, wallMsMax: limits.wallMsMax * SLOWER };
      const result = await sandbox.run({ wasm, call, limits: patient, taskId });
      if (!('busy' in result)) return result;
      return { ok: false, fault: 'wall-limit', detail: 'too many re-runs wait' };
    },
    async close() {
      const sandbox = await started;
      if (sandbox !== null && !(sandbox instanceof Error)) await sandbox.close();
    },
  };
}
