import { digestSha256 } from '@zerostate/shared';
import type { AdmittedModule } from './admit.ts';
import type { Call, Outcome, RunLimits, RunResult } from './outcome.ts';
import { runPrepared } from './run-prepared.ts';

export interface RunOptions {
  /** Also hash the whole memory at the end of the run. */
  memoryHash?: boolean;
}

/**
 * Runs a task in this process. Gas bounds it; the wall limit is the sandbox's to keep, since
 * nothing in a process can stop synchronous code.
 */
export async function run(
  module: AdmittedModule,
  call: Call,
  limits: RunLimits,
  taskId: string,
  options: RunOptions = {},
): Promise<RunResult> {
  const compileExact = () => module.compiledExact();
  const execution = await runPrepared(module, module.compiled, compileExact, call, limits, taskId);
  if (!execution.ok) return execution;
  const { ending } = execution;
  const outcome: Outcome = {
    status: ending.status,
    output: ending.output,
    stderr: ending.stderr,
    gas: ending.gas,
    pagesPeak: ending.pagesPeak,
  };
  if (options.memoryHash === true && ending.memory !== undefined) {
    outcome.memoryHash = await digestSha256(new Uint8Array(ending.memory.buffer));
  }
  return { ok: true, outcome };
}
