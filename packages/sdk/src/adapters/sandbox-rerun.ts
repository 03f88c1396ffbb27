import { METER } from '@zerostate/runtime';
import { createSandbox, type Sandbox } from '@zerostate/runtime/sandbox';
import type { Rerun } from '../verify/rerun.ts';

/** A caller's machine may be this much slower than its executor's. */
const SLOWER = 4;

/**
 * Re-runs programs in a disposable process, so that one which brings its engine down does not take
 * the caller and its wallet along. The process starts at once, beside whatever else is going on.
 */
export function createSandboxRerun(): Rerun {
  const starting: Promise<Sandbox | Error> = createSandbox({ workers: 1 }).catch(
    (cause: unknown) => (cause instanceof Error ? cause : new Error(String(cause))),
  );
  return {
    meter: METER,
    async run({ wasm, call, limits, taskId }) {
      const sandbox = await starting;
      if (sandbox instanceof Error) {
        return { ok: false, fault: 'worker-died', detail: sandbox.message };
      }
      const patient = { ...limits, wallMsMax: limits.wallMsMax * SLOWER };
      const result = await sandbox.run({ wasm, call, limits: patient, taskId });
      if (!('busy' in result)) return result;
      return { ok: false, fault: 'wall-limit', detail: 'too many re-runs wait' };
    },
    async close() {
      const sandbox = await starting;
      if (!(sandbox instanceof Error)) await sandbox.close();
    },
  };
}
