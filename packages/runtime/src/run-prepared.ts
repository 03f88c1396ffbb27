import { planCall } from './call.ts';
import { type Ending, type Execution, execute } from './execute.ts';
import type { Call, RunLimits, RunResult } from './outcome.ts';
import type { PreparedModule } from './prepare.ts';

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
