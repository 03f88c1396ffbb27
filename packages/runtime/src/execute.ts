import { type PlannedCall, resultLetters } from './call.ts';
import { PROFILE } from './limits.ts';
import { MeterExport } from './meter/assemble.ts';
import { StopCode } from './meter/helpers.ts';
import { type Call, type HostFault, type RunLimits, trapKind } from './outcome.ts';
import type { PreparedModule } from './prepare.ts';
import { GuestEnd } from './wasi/guest-end.ts';
import { type HostFunction, WasiHost } from './wasi/host.ts';

/** How one instance ended. */
export interface Ending {
  readonly status: string;
  readonly output: Uint8Array;
  readonly stderr: Uint8Array;
  readonly gas: bigint;
  readonly pagesPeak: number;
  readonly memory: WebAssembly.Memory | undefined;
  /** A trap of metered code, at which only the exact module's gas is right. */
  readonly trapped: boolean;
}

export type Execution =
  | { ok: true; ending: Ending }
  | { ok: false; fault: HostFault; detail: string };

/** Runs a checked call in a fresh instance, synchronously, to its end. */
export function execute(
  module: PreparedModule,
  compiled: WebAssembly.Module,
  call: Call,
  planned: PlannedCall,
  limits: RunLimits,
  taskId: string,
): Execution {
  return new Run(module, call, limits, taskId).run(compiled, planned);
}

type ResultValue = number | bigint;

class Run {
  private readonly module: PreparedModule;
  private readonly limits: RunLimits;
  private readonly host: WasiHost;
  private readonly wasi: boolean;
  private exports: WebAssembly.Exports | undefined;

  constructor(module: PreparedModule, call: Call, limits: RunLimits, taskId: string) {
    this.module = module;
    this.limits = limits;
    this.wasi = call.abi === 'wasi';
    this.host = new WasiHost({
      args: call.abi === 'wasi' ? ['agent', ...call.args] : ['agent'],
      input: call.abi === 'wasi' ? call.input : new Uint8Array(0),
      taskId,
      gasMax: limits.gasMax,
      outputMax: call.abi === 'wasi' ? limits.outputMax : undefined,
    });
  }

  run(compiled: WebAssembly.Module, planned: PlannedCall): Execution {
    const { gas } = this.host;
    gas.charge(this.module.instanceGas);
    if (gas.remaining() < 0n) return this.end('out-of-gas', '');
    try {
      this.instantiate(compiled);
      if (this.module.hasStart) this.enter(MeterExport.start, []);
      // A reactor is made ready by its own function (WASI application ABI).
      if (!this.wasi && this.module.functions.get('_initialize') === ':') {
        if (planned.entry !== '_initialize') this.enter('_initialize', []);
      }
      const results = this.enter(planned.entry, planned.args);
      return this.finish(planned.entry, results);
    } catch (thrown) {
      return this.stopped(thrown);
    }
  }

  private instantiate(compiled: WebAssembly.Module): void {
    const instance = new WebAssembly.Instance(compiled, this.imports());
    this.exports = instance.exports;
    this.host.gas.bind(exportedGlobal(instance.exports, MeterExport.gas));
    exportedGlobal(instance.exports, MeterExport.pages).value = this.limits.pagesMax;
    const memory = this.memory();
    if (memory !== undefined) this.host.memory.bind(memory);
  }

  private imports(): WebAssembly.Imports {
    const imports: Record<string, Record<string, HostFunction>> = {};
    for (const { module, name } of this.module.imports) {
      imports[module] = { ...imports[module], [name]: this.host.function(module, name) };
    }
    return imports;
  }

  private enter(name: string, args: readonly ResultValue[]): unknown {
    const entry = this.exports?.[name];
    if (typeof entry !== 'function') throw new Error(`no exported function ${name}`);
    // A run that returned leaves the depth of its last call behind.
    exportedGlobal(this.exports ?? {}, MeterExport.depth).value = PROFILE.stackBytesMax;
    return entry(...args);
  }

  private memory(): WebAssembly.Memory | undefined {
    const memory = this.exports?.[MeterExport.memory];
    return memory instanceof WebAssembly.Memory ? memory : undefined;
  }

  private finish(entry: string, results: unknown): Execution {
    if (this.host.gas.remaining() < 0n) return this.end('out-of-gas', '');
    if (this.wasi) return this.end('ok', '');
    const letters = resultLetters(this.module.functions.get(entry) ?? ':');
    const values =
      letters.length === 1 ? [results] : letters === '' ? [] : Array.from(list(results));
    const text = values.map(String).join('\n');
    return text.length > this.limits.outputMax
      ? this.end('output-limit', '')
      : this.end('ok', text);
  }

  /** Turns what ended a run early into a status. Gas decides first: without it nothing else ran. */
  private stopped(thrown: unknown): Execution {
    const stop = this.stopCode();
    if (stop === StopCode.hostMemory) {
      return { ok: false, fault: 'host-memory', detail: 'memory.grow failed' };
    }
    if (this.host.gas.remaining() < 0n) return this.end('out-of-gas', '');
    if (thrown instanceof GuestEnd) return this.end(thrown.status, '');
    if (this.depthSpent()) return this.end('stack-limit', '');
    if (stop === StopCode.memoryLimit) return this.end('memory-limit', '');
    if (thrown instanceof WebAssembly.RuntimeError) {
      const kind = trapKind(thrown.message);
      if (kind !== undefined) return this.end(`trap:${kind}`, '', true);
      return { ok: false, fault: 'engine', detail: thrown.message };
    }
    if (isStackOverflow(thrown)) return { ok: false, fault: 'host-stack', detail: String(thrown) };
    if (thrown instanceof RangeError) {
      return { ok: false, fault: 'host-memory', detail: thrown.message };
    }
    throw thrown;
  }

  private stopCode(): unknown {
    return this.exports === undefined
      ? StopCode.none
      : exportedGlobal(this.exports, MeterExport.stop).value;
  }

  private depthSpent(): boolean {
    if (this.exports === undefined) return false;
    return Number(exportedGlobal(this.exports, MeterExport.depth).value) < 0;
  }

  private end(status: string, results: string, trapped = false): Execution {
    const { host } = this;
    const memory = this.memory();
    const pages = memory === undefined ? this.module.pagesMin : memory.buffer.byteLength / 65_536;
    const ending: Ending = {
      status,
      output: host.stdout?.bytes() ?? new TextEncoder().encode(results),
      stderr: host.stderr.bytes(),
      gas: host.gas.used(),
      pagesPeak: pages,
      memory,
      trapped,
    };
    return { ok: true, ending };
  }
}

function exportedGlobal(exports: WebAssembly.Exports, name: string): WebAssembly.Global {
  const global = exports[name];
  if (!(global instanceof WebAssembly.Global)) throw new Error(`no exported global ${name}`);
  return global;
}

function list(results: unknown): Iterable<unknown> {
  if (Array.isArray(results)) return results;
  throw new Error('an export of several results gave no array');
}

/** V8 and JavaScriptCore throw RangeError, SpiderMonkey InternalError. */
function isStackOverflow(thrown: unknown): boolean {
  return thrown instanceof Error && /call stack|recursion/i.test(thrown.message);
}
