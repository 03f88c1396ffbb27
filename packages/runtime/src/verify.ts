import { digestSha256, priceOf, type TaskManifest, type TaskReceipt } from '@zerostate/shared';
import { admit } from './admit.ts';
import type { AdmitCode } from './decode/reader.ts';
import { METER } from './meter/meter-name.ts';
import type { Call, RunLimits, RunRefusal, RunResult } from './outcome.ts';
import { run } from './run.ts';

/** The fields of a receipt that a second run can check. */
export type CheckedReceipt = Pick<
  TaskReceipt,
  'task' | 'status' | 'output' | 'output_len' | 'gas' | 'pages_peak' | 'price'
>;

/** The fields of a manifest that determine a run and its price. */
export type CheckedManifest = Pick<
  TaskManifest,
  | 'module'
  | 'abi'
  | 'fn'
  | 'args'
  | 'input'
  | 'gas_max'
  | 'pages_max'
  | 'wall_ms_max'
  | 'output_max'
  | 'price_base'
  | 'price_per_mgas'
  | 'price_per_page'
  | 'price_max'
  | 'meter'
>;

export interface VerifyRequest {
  readonly receipt: CheckedReceipt;
  readonly manifest: CheckedManifest;
  /** Bytes of the module and of the input, where they could be had. */
  readonly module?: Uint8Array | undefined;
  readonly input?: Uint8Array | undefined;
  /** Runs the task; by default in this process. An arbiter hands in its sandbox. */
  readonly runner?: Runner;
}

/** Admits and runs a module that the caller does not trust. */
export type Runner = (job: {
  wasm: Uint8Array;
  call: Call;
  limits: RunLimits;
  taskId: string;
}) => Promise<RunResult | RunRefusal<AdmitCode>>;

/** A field in which the receipt and the second run differ. */
export interface Difference {
  readonly field: keyof CheckedReceipt;
  readonly receipt: string;
  readonly rerun: string;
}

export type Verdict =
  | { verdict: 'ok' }
  | { verdict: 'fault'; differs: Difference[] }
  | {
      verdict: 'indeterminate';
      why: 'module-missing' | 'input-missing' | 'meter-unknown' | 'host';
      detail: string;
    };

/**
 * Runs a task again and compares. `ok`: the receipt says what happened. `fault`: it does not, and
 * anyone can see that. `indeterminate`: it cannot be said from here, and why.
 */
export async function verify(request: VerifyRequest): Promise<Verdict> {
  const { receipt, manifest, module } = request;
  const input = request.input ?? (manifest.abi === 'call' ? new Uint8Array(0) : undefined);
  if (manifest.meter !== METER) return indeterminate('meter-unknown', manifest.meter);
  if (module === undefined || (await digestSha256(module)) !== manifest.module) {
    return indeterminate('module-missing', manifest.module);
  }
  if (input === undefined || (await digestSha256(input)) !== manifest.input) {
    return indeterminate('input-missing', manifest.input);
  }
  const runner = request.runner ?? runHere;
  const result = await runner({
    wasm: module,
    call: callOf(manifest, input),
    limits: limitsOf(manifest),
    taskId: receipt.task,
  });
  if (result.ok) return compare(receipt, manifest, result.outcome);
  if ('fault' in result) return indeterminate('host', `${result.fault}: ${result.detail}`);
  // Another engine may have been able to compile it; all other refusals are the same everywhere.
  if (result.code === 'engine') return indeterminate('host', result.detail);
  const rerun = `refused: ${result.code}`;
  return { verdict: 'fault', differs: [{ field: 'status', receipt: receipt.status, rerun }] };
}

function indeterminate(
  why: Extract<Verdict, { verdict: 'indeterminate' }>['why'],
  detail: string,
): Verdict {
  return { verdict: 'indeterminate', why, detail };
}

/** The call that a manifest asks for. */
export function callOf(manifest: CheckedManifest, input: Uint8Array): Call {
  const { abi, fn, args } = manifest;
  return abi === 'wasi' ? { abi, args, input } : { abi, fn, args };
}

/** The limits that a manifest sets. */
export function limitsOf(manifest: CheckedManifest): RunLimits {
  return {
    gasMax: BigInt(manifest.gas_max),
    pagesMax: Number(manifest.pages_max),
    wallMsMax: Number(manifest.wall_ms_max),
    outputMax: Number(manifest.output_max),
  };
}

const runHere: Runner = async ({ wasm, call, limits, taskId }) => {
  const admitted = await admit(wasm);
  return admitted.ok ? run(admitted.module, call, limits, taskId) : admitted;
};

async function compare(
  receipt: CheckedReceipt,
  manifest: CheckedManifest,
  outcome: Extract<RunResult, { ok: true }>['outcome'],
): Promise<Verdict> {
  const terms = {
    base: BigInt(manifest.price_base),
    perMgas: BigInt(manifest.price_per_mgas),
    perPage: BigInt(manifest.price_per_page),
    max: BigInt(manifest.price_max),
  };
  const price = priceOf(terms, { gas: outcome.gas, pagesPeak: BigInt(outcome.pagesPeak) });
  const rerun: Omit<CheckedReceipt, 'task'> = {
    status: outcome.status,
    output: await digestSha256(outcome.output),
    output_len: String(outcome.output.length),
    gas: String(outcome.gas),
    pages_peak: String(outcome.pagesPeak),
    price: String(price),
  };
  const fields = ['status', 'output', 'output_len', 'gas', 'pages_peak', 'price'] as const;
  const differs = fields
    .filter((field) => receipt[field] !== rerun[field])
    .map((field) => ({ field, receipt: receipt[field], rerun: rerun[field] }));
  return differs.length === 0 ? { verdict: 'ok' } : { verdict: 'fault', differs };
}
