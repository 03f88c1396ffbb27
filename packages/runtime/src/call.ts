import { RUN_LIMITS } from './limits.ts';
import type { Call, CallCode, RunLimits, RunRefusal } from './outcome.ts';
import type { PreparedModule } from './prepare.ts';

/** A call that fits its module. */
export interface PlannedCall {
  readonly entry: string;
  readonly args: readonly (number | bigint)[];
}

/** Letters of the result types, by the signature of an exported function. */
export function resultLetters(signature: string): string {
  return signature.slice(signature.indexOf(':') + 1);
}

/** Checks a call and its limits against a module before anything runs or is charged. */
export function planCall(
  module: PreparedModule,
  call: Call,
  limits: RunLimits,
): { ok: true; call: PlannedCall } | RunRefusal {
  const wrong = checkLimits(limits);
  if (wrong !== undefined) return refuse('limits-invalid', wrong);
  if (module.pagesMin > limits.pagesMax) {
    return refuse('memory-minimum', `${module.pagesMin} pages, ${limits.pagesMax} allowed`);
  }
  if (call.args.length > RUN_LIMITS.argumentsMax) return refuse('argument-count', 'too many');
  return call.abi === 'wasi' ? planCommand(module, call) : planFunction(module, call);
}

function refuse(code: CallCode, detail: string): RunRefusal {
  return { ok: false, code, detail };
}

function checkLimits(limits: RunLimits): string | undefined {
  if (limits.gasMax < 0n || limits.gasMax > RUN_LIMITS.gasMax) return 'gasMax';
  for (const name of ['pagesMax', 'wallMsMax', 'outputMax'] as const) {
    if (!Number.isSafeInteger(limits[name]) || limits[name] < 0) return name;
  }
  return undefined;
}

function planCommand(
  module: PreparedModule,
  call: Extract<Call, { abi: 'wasi' }>,
): { ok: true; call: PlannedCall } | RunRefusal {
  if (call.input.length > RUN_LIMITS.inputBytesMax) return refuse('input-size', 'input');
  const characters = call.args.reduce((sum, arg) => sum + arg.length, 0);
  if (characters > RUN_LIMITS.argumentBytesMax) return refuse('argument-size', 'arguments');
  if (call.args.some((arg) => arg.includes('\0'))) return refuse('argument-kind', 'NUL');
  const signature = module.functions.get('_start');
  if (signature === undefined) return refuse('function-unknown', '_start');
  if (signature !== ':') return refuse('signature-unsupported', `_start ${signature}`);
  return { ok: true, call: { entry: '_start', args: [] } };
}

function planFunction(
  module: PreparedModule,
  call: Extract<Call, { abi: 'call' }>,
): { ok: true; call: PlannedCall } | RunRefusal {
  const signature = module.functions.get(call.fn);
  if (signature === undefined) return refuse('function-unknown', call.fn);
  // No float crosses into JavaScript: its NaN bits would be lost there.
  if (!/^[iI]*:[iI]*$/.test(signature)) return refuse('signature-unsupported', signature);
  const params = signature.slice(0, signature.indexOf(':'));
  if (params.length !== call.args.length) {
    return refuse('argument-count', `${call.args.length} of ${params.length}`);
  }
  const args: (number | bigint)[] = [];
  for (const [index, text] of call.args.entries()) {
    const value = parseInteger(text, params[index] === 'i' ? 32 : 64);
    if (value === undefined) return refuse('argument-kind', `argument ${index}`);
    args.push(params[index] === 'i' ? Number(value) : value);
  }
  return { ok: true, call: { entry: call.fn, args } };
}

const INTEGER = /^(0|-?[1-9][0-9]{0,18})$/;

/** A signed integer of this many bits in its only decimal spelling. */
function parseInteger(text: string, bits: number): bigint | undefined {
  if (!INTEGER.test(text)) return undefined;
  const value = BigInt(text);
  return BigInt.asIntN(bits, value) === value ? value : undefined;
}
