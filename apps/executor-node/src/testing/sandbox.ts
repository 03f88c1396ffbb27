import { admit, run } from '@zerostate/runtime';
import { createAdmission } from '../adapters/sandbox.ts';
import type { GuestOutcome, Sandbox } from '../ports.ts';

export type TestSandbox = Sandbox & {
  /** Tasks that were run. */
  runs: number;
  /** Runs wait for it: a test decides how long a task takes. */
  gate: Promise<void>;
  /** Lets no run end until what it returns is called. */
  hold(): () => void;
};

/** The task id of the speed probe. */
const NO_TASK = 'A'.repeat(43);

/** The runtime itself, in the process of the test: the same outcomes without subprocesses. */
export function inProcessSandbox(): TestSandbox {
  const sandbox: TestSandbox = {
    ...createAdmission(),
    mode: 'imports-only',
    memory: 'watchdog',
    capacity: 2,
    runs: 0,
    gate: Promise.resolve(),
    hold() {
      let open: () => void = () => undefined;
      sandbox.gate = new Promise((resolve) => {
        open = resolve;
      });
      return open;
    },
    async run({ wasm, call, limits, taskId }) {
      if (taskId === NO_TASK) return probed(limits.gasMax);
      sandbox.runs += 1;
      await sandbox.gate;
      const admitted = await admit(wasm);
      if (!admitted.ok) return { ok: false, code: admitted.code };
      const result = await run(
        admitted.module,
        call.abi === 'wasi' ? { abi: 'wasi', args: call.args, input: call.stdin } : call,
        limits,
        taskId,
      );
      if (!result.ok) return { ok: false, code: 'fault' in result ? result.fault : result.code };
      const { status, output, gas, pagesPeak } = result.outcome;
      return { ok: true, status, output, gas, pagesPeak, wallMs: 1 };
    },
    close: () => Promise.resolve(),
  };
  return sandbox;
}

/** A machine of a million gas a ms: what is promised for it does not change from test to test. */
function probed(gas: bigint): GuestOutcome {
  const wallMs = Number(gas) / 1_000_000;
  return { ok: true, status: 'out-of-gas', output: new Uint8Array(0), gas, pagesPeak: 0, wallMs };
}
