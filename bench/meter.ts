/** Suite `meter`: what metering costs, how fast the sandbox is, how even the gas is. */
import { admit } from '@zerostate/runtime';
import { readSections } from '../packages/runtime/src/decode/sections.ts';
import { ADMIT_LIMITS } from '../packages/runtime/src/limits.ts';
import { meterModule } from '../packages/runtime/src/meter/emit.ts';
import { measureOverhead, type Overhead, threadMs } from './meter-overhead.ts';
import { higher, lower } from './meter-result.ts';
import { measureSandbox } from './meter-tasks.ts';
import { read } from './meter-workloads.ts';
import { type BenchResult, type BenchSuite, median } from './report.ts';

const PAIRS = 15;
const PAIRS_FULL = 41;
const REPEATS = 9;
const MEGABYTE = 1_000_000;

export const run: BenchSuite = async ({ full, note }) => {
  const overheads = await measureOverhead(full ? PAIRS_FULL : PAIRS, note);
  note('instrumentation and admission');
  const results: BenchResult[] = [
    ...overheads.map(({ workload, ratio }) => lower(`overhead.${workload}`, ratio, 'x')),
    lower('overhead.median', median(overheads.map(({ ratio }) => ratio)), 'x'),
    lower('overhead.interpreters_max', worst(overheads.filter((one) => one.interpreter)), 'x'),
    lower('overhead.worst', worst(overheads), 'x'),
    lower('gas_rate.spread', spread(overheads.map(({ gasPerMs }) => gasPerMs)), 'x'),
    higher('instrument.mb_per_s', instrumentSpeed(), 'MB/s'),
    lower('admit.20kb.ms', await admitTime(), 'ms'),
    ...(await measureSandbox(full, note)),
  ];
  return { suite: 'meter', machine: '', results };
};

function worst(overheads: readonly Overhead[]): number {
  return Math.max(...overheads.map(({ ratio }) => ratio));
}

/** How many times as much gas a millisecond takes in one workload as in another. */
function spread(rates: readonly number[]): number {
  return Math.max(...rates) / Math.min(...rates);
}

/** The modules that instrumentation is timed on. */
const LARGE = ['bench/meter-workloads/sqlite.wasm', 'agents/js-runner/js-runner.wasm'];

/** Decoding and metering, without validation and compilation, over the large modules. */
function instrumentSpeed(): number {
  const modules = LARGE.map(read);
  const bytes = modules.reduce((sum, wasm) => sum + wasm.length, 0);
  const samples = Array.from({ length: REPEATS }, () => {
    const start = threadMs();
    for (const wasm of modules) meterModule(readSections(wasm, ADMIT_LIMITS), ADMIT_LIMITS, 'fast');
    return threadMs() - start;
  });
  return bytes / MEGABYTE / (median(samples) / 1_000);
}

/** All of admission of a module of about 20 KB, compilation with it. */
async function admitTime(): Promise<number> {
  const wasm = read('agents/digest/digest.wasm');
  const samples: number[] = [];
  for (let i = 0; i < 3 * REPEATS; i++) {
    const start = performance.now();
    const result = await admit(wasm);
    if (!result.ok) throw new Error(result.detail);
    samples.push(performance.now() - start);
  }
  return median(samples);
}
