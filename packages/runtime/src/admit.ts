import { digestSha256, plainBytes } from '@zerostate/shared';
import { ADMIT_LIMITS, type AdmitLimits } from './limits.ts';
import { METER } from './meter/meter-name.ts';
import { type AdmitRefusal, type PreparedModule, prepareModule } from './prepare.ts';

/** A module that may run: checked, metered, compiled. */
export interface AdmittedModule extends PreparedModule {
  /** sha256 of the original bytes, base64url. */
  readonly hash: string;
  /** Names the cost table that its gas is counted with. */
  readonly meter: string;
  readonly compiled: WebAssembly.Module;
  /** The module whose gas is right at traps too, compiled when first asked for. */
  compiledExact(): Promise<WebAssembly.Module>;
}

export type AdmitResult = { ok: true; module: AdmittedModule } | AdmitRefusal;

/**
 * Checks a module against the profile and makes it ready to run.
 * @param bytes the module; copied, so later changes to the array do not matter
 * @param limits sizes that are refused; they may be lowered
 */
export async function admit(
  bytes: Uint8Array,
  limits: AdmitLimits = ADMIT_LIMITS,
): Promise<AdmitResult> {
  if (bytes.length > limits.moduleBytesMax) {
    return { ok: false, code: 'limit', detail: `module of ${bytes.length} bytes` };
  }
  const original = new Uint8Array(bytes);
  const prepared = prepareModule(original, limits);
  if (!prepared.ok) return prepared;
  const { module } = prepared;
  const compiled = await compile(module.instrumented);
  if (!(compiled instanceof WebAssembly.Module)) {
    return { ok: false, code: 'engine', detail: compiled };
  }
  let exact: Promise<WebAssembly.Module> | undefined;
  const admitted: AdmittedModule = {
    ...module,
    hash: await digestSha256(plainBytes(original)),
    meter: METER,
    compiled,
    compiledExact: () => {
      exact ??= WebAssembly.compile(module.exact());
      return exact;
    },
  };
  return { ok: true, module: admitted };
}

/** The compiled module, or what the engine says against it: some have limits of their own. */
async function compile(bytes: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module | string> {
  try {
    return await WebAssembly.compile(bytes);
  } catch (error) {
    if (error instanceof WebAssembly.CompileError || error instanceof RangeError) {
      return error.message;
    }
    throw error;
  }
}
