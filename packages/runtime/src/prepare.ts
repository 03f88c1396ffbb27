import { signatureOf } from './decode/profile.ts';
import { type AdmitCode, Refusal } from './decode/reader.ts';
import { ExportKind, type ModuleShape, readSections } from './decode/sections.ts';
import { ADMIT_LIMITS, type AdmitLimits } from './limits.ts';
import { instanceCost } from './meter/cost-table.ts';
import { checkInstructions, meterModule } from './meter/emit.ts';

export type AdmitRefusal = { ok: false; code: AdmitCode; offset?: number; detail: string };

/** A module that passed admission, metered but not compiled. */
export interface PreparedModule {
  /** Metered bytes to run. */
  readonly instrumented: Uint8Array<ArrayBuffer>;
  /** Metered bytes whose gas is right at traps too; made when first asked for. */
  exact(): Uint8Array<ArrayBuffer>;
  /** Types of the exported functions as letters, `iI:i`; only i and I are callable from outside. */
  readonly functions: ReadonlyMap<string, string>;
  readonly imports: readonly { readonly module: string; readonly name: string }[];
  /** Pages of the memory when the instance is made; 0 without a memory. */
  readonly pagesMin: number;
  readonly hasMemory: boolean;
  readonly hasStart: boolean;
  /** Gas of making an instance. */
  readonly instanceGas: bigint;
}

/**
 * Everything of admission but hashing and compiling, synchronously. The order matters: the original
 * is validated first, because metering could make an invalid module valid (one that writes to the
 * global which metering then appends as its counter).
 */
export function prepareModule(
  bytes: Uint8Array<ArrayBuffer>,
  limits: AdmitLimits = ADMIT_LIMITS,
): { ok: true; module: PreparedModule } | AdmitRefusal {
  if (bytes.length > limits.moduleBytesMax) {
    return { ok: false, code: 'limit', detail: `module of ${bytes.length} bytes` };
  }
  try {
    if (!WebAssembly.validate(bytes)) {
      // What the profile knows better gives a place and a reason; the rest is the engine's word.
      checkInstructions(readSections(bytes, limits), limits);
      return { ok: false, code: 'invalid', detail: 'validation failed' };
    }
    const shape = readSections(bytes, limits);
    return { ok: true, module: describe(shape, limits) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const { code, message: detail, offset } = error;
    return offset === undefined ? { ok: false, code, detail } : { ok: false, code, offset, detail };
  }
}

function describe(shape: ModuleShape, limits: AdmitLimits): PreparedModule {
  const instrumented = meterModule(shape, limits, 'fast');
  const functions = new Map<string, string>();
  for (const { name, kind, index } of shape.exports) {
    const type = kind === ExportKind.function ? shape.functionTypes[index] : undefined;
    const functionType = type === undefined ? undefined : shape.types[type];
    if (functionType !== undefined) functions.set(name, signatureOf(functionType));
  }
  const pagesMin = shape.memory?.min ?? 0;
  let exact: Uint8Array<ArrayBuffer> | undefined;
  return {
    instrumented,
    exact: () => {
      exact ??= meterModule(shape, limits, 'exact');
      return exact;
    },
    functions,
    imports: shape.imports.map(({ module, name }) => ({ module, name })),
    pagesMin,
    hasMemory: shape.memory !== undefined,
    hasStart: shape.start !== undefined,
    instanceGas: instanceCost(pagesMin, shape.dataBytes, shape.elementEntries),
  };
}
