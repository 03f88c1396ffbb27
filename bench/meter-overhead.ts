/** Metered against raw: the same program, the same host functions, interleaved in one process. */
import { PROFILE } from '../packages/runtime/src/limits.ts';
import { MeterExport } from '../packages/runtime/src/meter/assemble.ts';
import { prepareModule } from '../packages/runtime/src/prepare.ts';
import { GuestEnd } from '../packages/runtime/src/wasi/guest-end.ts';
import { WasiHost } from '../packages/runtime/src/wasi/host.ts';
import { read, WORKLOADS, type Workload } from './meter-workloads.ts';
import { median } from './report.ts';

export interface Overhead {
  readonly workload: string;
  readonly interpreter: boolean;
  /** Thread time metered by thread time raw, median of the pairs. */
  readonly ratio: number;
  readonly gasPerMs: number;
}

interface Sample {
  readonly ms: number;
  readonly result: string;
  readonly gas: bigint;
}

const WARM_UP = 4;
/**
 * Times that each module is compiled. The same bytes run up to a fifth faster or slower from one
 * compilation to the next: what is inlined, and where code stands, differ.
 */
const COMPILATIONS = 3;
const GAS = 1n << 60n;
const MICROSECONDS = 1_000;

export function measureOverhead(pairs: number, note: (line: string) => void): Overhead[] {
  return WORKLOADS.map((workload) => {
    note(`overhead ${workload.name}`);
    return measure(workload, pairs);
  });
}

/** The pairs of all compilations together. */
function measure(workload: Workload, pairs: number): Overhead {
  const wasm = read(workload.file);
  const prepared = prepareModule(wasm);
  if (!prepared.ok) throw new Error(`${workload.file}: ${prepared.detail}`);
  const { instrumented } = prepared.module;
  const ratios: number[] = [];
  const rates: number[] = [];
  for (let number = 0; number < COMPILATIONS; number++) {
    const raw = new WebAssembly.Module(numbered(wasm, number));
    const metered = new WebAssembly.Module(numbered(instrumented, number));
    for (let i = 0; i < WARM_UP; i++) {
      runOnce(workload, raw, false);
      runOnce(workload, metered, true);
    }
    for (let i = 0; i < Math.ceil(pairs / COMPILATIONS); i++) {
      const first = runOnce(workload, i % 2 === 0 ? raw : metered, i % 2 === 1);
      const second = runOnce(workload, i % 2 === 0 ? metered : raw, i % 2 === 0);
      if (first.result !== second.result) throw new Error(`${workload.name} differs when metered`);
      const [base, counted] = i % 2 === 0 ? [first, second] : [second, first];
      ratios.push(counted.ms / base.ms);
      rates.push(Number(counted.gas) / counted.ms);
    }
  }
  const { name, interpreter } = workload;
  return { workload: name, interpreter, ratio: median(ratios), gasPerMs: median(rates) };
}

/** With a custom section: engines share the code of modules whose bytes are the same. */
function numbered(wasm: Uint8Array, number: number): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([...wasm, 0, 3, 1, 0x6e, number]);
}

/** A fresh instance each time, as tasks have it. */
function runOnce(workload: Workload, module: WebAssembly.Module, metered: boolean): Sample {
  const host = new WasiHost({
    args: ['agent', 'run'],
    input: new TextEncoder().encode(workload.input),
    taskId: 'bench',
    gasMax: GAS,
    outputMax: 1_000_000,
  });
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: from, name } of WebAssembly.Module.imports(module)) {
    imports[from] = { ...imports[from], [name]: host.function(from, name) };
  }
  const { exports } = new WebAssembly.Instance(module, imports);
  const memory = exports.memory ?? exports[MeterExport.memory];
  if (memory instanceof WebAssembly.Memory) host.memory.bind(memory);
  const gas = exports[MeterExport.gas];
  const pages = exports[MeterExport.pages];
  if (metered && gas instanceof WebAssembly.Global && pages instanceof WebAssembly.Global) {
    host.gas.bind(gas);
    pages.value = PROFILE.memoryPagesMax;
  }
  const start = threadMs();
  const value = enter(exports, workload);
  const ms = threadMs() - start;
  const output = new TextDecoder().decode(host.stdout?.bytes());
  return { ms, result: `${value} ${output}`, gas: metered ? host.gas.used() : 0n };
}

function enter(exports: WebAssembly.Exports, { entry, args }: Workload): unknown {
  try {
    call(exports, '_initialize', []);
    return call(exports, entry, args);
  } catch (thrown) {
    if (thrown instanceof GuestEnd) return thrown.status;
    throw thrown;
  }
}

function call(exports: WebAssembly.Exports, name: string, args: readonly number[]): unknown {
  const entry = exports[name];
  return typeof entry === 'function' ? entry(...args) : undefined;
}

/** Processor time of this thread: other processes do not disturb it. */
export function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / MICROSECONDS;
}
