/** @zerostate/runtime: metered WebAssembly that everyone can re-run to the same bytes and gas. */

export { type AdmitResult, type AdmittedModule, admit } from './admit.ts';
export { AdmitCache } from './admit-cache.ts';
export type { AdmitCode } from './decode/reader.ts';
export { ADMIT_LIMITS, type AdmitLimits, PROFILE, RUN_LIMITS } from './limits.ts';
export { COSTS } from './meter/cost-table.ts';
export { METER } from './meter/meter-name.ts';
export type {
  Call,
  CallCode,
  HostFault,
  Outcome,
  RunFault,
  RunLimits,
  RunRefusal,
  RunResult,
} from './outcome.ts';
export { type RunOptions, run } from './run.ts';
export {
  type CheckedManifest,
  type CheckedReceipt,
  callOf,
  type Difference,
  limitsOf,
  type Runner,
  type Verdict,
  type VerifyRequest,
  verify,
} from './verify.ts';
