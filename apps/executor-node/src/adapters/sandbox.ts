import { AdmitCache, type AdmittedModule, METER } from '@zerostate/runtime';
import { createSandbox, SANDBOX_LIMITS } from '@zerostate/runtime/sandbox';
import { BLOB_BYTES_MAX } from '@zerostate/shared';
import type { Sandbox, SandboxLimits, SandboxTask } from '../ports.ts';

/** Metered bytes of modules kept admitted: enough for every card of an ordinary node. */
const ADMITTED_BYTES_MAX = 64 * 1024 * 1024;

/** What one task may ask for: the runtime's own bounds, and what fits a blob. */
const LIMITS: SandboxLimits = { ...SANDBOX_LIMITS, outputMax: BLOB_BYTES_MAX };

type Checked = { ok: true } | { ok: false; code: string; detail?: string };

/** Admission without running anything: all that `card add` needs. */
export function createAdmission(): Pick<Sandbox, 'admit' | 'check' | 'limits' | 'meter'> {
  const cache = new AdmitCache(ADMITTED_BYTES_MAX);
  return {
    meter: METER,
    limits: LIMITS,
    async admit(wasm) {
      const admitted = await cache.admit(wasm);
      if (admitted.ok) return { ok: true };
      const { code, detail, offset } = admitted;
      const place = offset === undefined ? '' : ` at byte ${offset}`;
      return { ok: false, code, detail: `${detail}${place}` };
    },
    async check(task) {
      const admitted = await cache.admit(task.wasm);
      if (!admitted.ok) return { ok: false, code: 'module-inadmissible', detail: admitted.code };
      return checkCall(admitted.module, task);
    },
  };
}

/** The runtime's subprocesses. Throws when none starts. */
export async function startSandbox(workers: number): Promise<Sandbox> {
  const sandbox = await createSandbox({ workers, limits: LIMITS });
  return {
    ...createAdmission(),
    mode: sandbox.status().mode,
    memory: sandbox.status().memory,
    capacity: workers,
    async run(task) {
      const started = performance.now();
      const { call, limits, taskId, wasm } = task;
      const result = await sandbox.run({
        wasm,
        limits,
        taskId,
        call: call.abi === 'wasi' ? { abi: 'wasi', args: call.args, input: call.stdin } : call,
      });
      const wallMs = performance.now() - started;
      if (result.ok) {
        const { status, output, gas, pagesPeak } = result.outcome;
        return { ok: true, status, output, gas, pagesPeak, wallMs };
      }
      if ('busy' in result) return { ok: false, code: 'sandbox-busy' };
      return 'fault' in result
        ? { ok: false, code: result.fault, detail: result.detail }
        : { ok: false, code: result.code, detail: result.detail };
    },
    close: () => sandbox.close(),
  };
}

/** What the runtime would refuse before it runs anything. */
function checkCall(module: AdmittedModule, task: SandboxTask): Checked {
  const { call, limits } = task;
  if (module.pagesMin > limits.pagesMax) {
    return { ok: false, code: 'memory-minimum', detail: `${module.pagesMin} pages` };
  }
  const entry = call.abi === 'wasi' ? '_start' : call.fn;
  const signature = module.functions.get(entry);
  if (signature === undefined) return { ok: false, code: 'function-unknown', detail: entry };
  if (call.abi === 'wasi') {
    if (signature !== ':') return { ok: false, code: 'signature-unsupported', detail: signature };
    const hasNul = call.args.some((arg) => arg.includes('\0'));
    return hasNul ? { ok: false, code: 'argument-kind', detail: 'NUL' } : { ok: true };
  }
  if (!/^[iI]*:[iI]*$/.test(signature)) {
    return { ok: false, code: 'signature-unsupported', detail: signature };
  }
  const params = signature.slice(0, signature.indexOf(':'));
  if (params.length !== call.args.length) {
    return { ok: false, code: 'argument-count', detail: `${call.args.length} of ${params.length}` };
  }
  const wrong = call.args.findIndex((text, i) => !isInteger(text, params[i] === 'i' ? 32 : 64));
  return wrong < 0
    ? { ok: true }
    : { ok: false, code: 'argument-kind', detail: `argument ${wrong}` };
}

/** A signed integer of this many bits in its only decimal spelling. */
function isInteger(text: string, bits: number): boolean {
  return (
    /^(0|-?[1-9][0-9]{0,18})$/.test(text) && BigInt.asIntN(bits, BigInt(text)) === BigInt(text)
  );
}
