import {
  AdmitCache,
  type Call,
  METER,
  type Outcome,
  type RunLimits,
  type RunResult,
  run,
} from '@zerostate/runtime';
import type { TaskManifest } from '@zerostate/shared';

/** One task, to be run as its executor ran it. */
export interface RerunJob {
  module: Uint8Array;
  call: Call;
  limits: RunLimits;
  /** The task's id: WASI's random numbers come from it. */
  task: string;
}

/**
 * `refused`: the module or call is one that no executor may run, so that no receipt of it is right.
 * `unable`: this host could not say.
 */
export type RerunResult =
  | { state: 'ran'; outcome: Outcome }
  | { state: 'refused'; reason: string }
  | { state: 'unable'; reason: string };

/** Runs programs to check receipts: in this process, or wherever an entry puts them. */
export interface Rerun {
  /** Names the cost table that the gas is counted with. */
  readonly meter: string;
  run(job: RerunJob): Promise<RerunResult>;
  close(): Promise<void>;
}

/** Metered modules kept in memory, in bytes. */
const MODULE_BYTES_MAX = 64 * 1024 * 1024;

/** Runs in this process, also in a browser. Gas bounds it; the wall clock does not. */
export function createInProcessRerun(): Rerun {
  const modules = new AdmitCache(MODULE_BYTES_MAX);
  return {
    meter: METER,
    async run({ module, call, limits, task }) {
      const admitted = await modules.admit(module);
      if (!admitted.ok) return ofRefusal(admitted);
      return ofRun(await run(admitted.module, call, limits, task));
    },
    async close() {},
  };
}

/** A refusal by the profile holds everywhere; one by the engine or by its size is this host's. */
export function ofRefusal(refusal: { code: string; detail: string }): RerunResult {
  const reason = `module-inadmissible: ${refusal.code} ${refusal.detail}`;
  return { state: refusal.code === 'engine' ? 'unable' : 'refused', reason };
}

export function ofRun(result: RunResult): RerunResult {
  if (result.ok) return { state: 'ran', outcome: result.outcome };
  if ('fault' in result) return { state: 'unable', reason: `${result.fault}: ${result.detail}` };
  return { state: 'refused', reason: `${result.code}: ${result.detail}` };
}

/** The call and limits that a manifest ordered. */
export function jobOf(
  manifest: TaskManifest,
  bytes: { module: Uint8Array; input: Uint8Array },
  task: string,
): RerunJob {
  const { abi, fn, args } = manifest;
  const call: Call = abi === 'wasi' ? { abi, args, input: bytes.input } : { abi: 'call', fn, args };
  const limits = {
    gasMax: BigInt(manifest.gas_max),
    pagesMax: Number(manifest.pages_max),
    wallMsMax: Number(manifest.wall_ms_max),
    outputMax: Number(manifest.output_max),
  };
  return { module: bytes.module, call, limits, task };
}
