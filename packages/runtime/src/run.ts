import { digestSha256 } from '@zerostate/shared';
import type { AdmittedModule } from './admit.ts';
import { planCall } from './call.ts';
import { type Ending, type Execution, execute } from './execute.ts';
import type { Call, Outcome, RunLimits, RunResult } from './outcome.ts';
import type { PreparedModule } from './prepare.ts';

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

/**
 * Runs a call, and once more with exact charges where it trapped: fast code keeps the counter in a
 * local and charges ahead, and both are lost at a trap (docs/adr/0010).
 */
export async function runPrepared(
  module: PreparedModule,
  compiled: WebAssembly.Module,
  compileExact: () => Promise<WebAssembly.Module>,
  call: Call,
  limits: RunLimits,
  taskId: string,
): Promise<Execution | Exclude<RunResult, { ok: true }>> {
  const planned = planCall(module, call, limits);
  if (!planned.ok) return planned;
  const fast = execute(module, compiled, call, planned.call, limits, taskId);
  if (!fast.ok || !fast.ending.trapped) return fast;
  const exact = execute(module, await compileExact(), call, planned.call, limits, taskId);
  if (!exact.ok || agrees(fast.ending, exact.ending)) return exact;
  const detail = `${fast.ending.status}, then ${exact.ending.status}`;
  return { ok: false, fault: 'engine', detail };
}

/** Exact charges may find the gas spent where fast ones had not yet looked; no more may differ. */
function agrees(fast: Ending, exact: Ending): boolean {
  return exact.status === fast.status || exact.status === 'out-of-gas';
}
