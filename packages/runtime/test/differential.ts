import { planCall } from '../src/call.ts';
import { type Ending, execute } from '../src/execute.ts';
import type { Call, RunLimits } from '../src/outcome.ts';
import { trapKind } from '../src/outcome.ts';
import { prepareModule } from '../src/prepare.ts';
import { generateProgram, SeededRandom } from './program-generator.ts';

const LIMITS: RunLimits = { gasMax: 50_000_000n, pagesMax: 4, wallMsMax: 1_000, outputMax: 1_000 };
const CALL: Call = { abi: 'call', fn: 'run', args: ['5'] };

/**
 * Generates a program and compares its runs: raw against metered, fast charges against exact ones,
 * and the same with just enough gas and with one less. Gives what is wrong, or undefined.
 */
export function differ(seed: number): string | undefined {
  const floats = seed % 2 === 1;
  const wasm = generateProgram(seed, floats);
  const prepared = prepareModule(wasm);
  if (!prepared.ok) return `not admitted: ${prepared.code} ${prepared.detail}`;
  const { module } = prepared;
  const fastModule = new WebAssembly.Module(module.instrumented);
  const exactModule = new WebAssembly.Module(module.exact());
  const run = (compiled: WebAssembly.Module, gasMax: bigint): Ending => {
    const limits = { ...LIMITS, gasMax };
    const planned = planCall(module, CALL, limits);
    if (!planned.ok) throw new Error(planned.detail);
    const execution = execute(module, compiled, CALL, planned.call, limits, 'task');
    if (!execution.ok) throw new Error(`${execution.fault}: ${execution.detail}`);
    return execution.ending;
  };
  const fast = run(fastModule, LIMITS.gasMax);
  const exact = run(exactModule, LIMITS.gasMax);
  if (describe(fast, !fast.trapped) !== describe(exact, !fast.trapped)) {
    return `fast ${describe(fast, true)}, exact ${describe(exact, true)}`;
  }
  const raw = floats ? undefined : runRaw(wasm);
  if (raw !== undefined && raw !== outcomeOf(fast)) return `raw ${raw}, metered ${outcomeOf(fast)}`;
  return checkGasEdges(
    seed,
    exact,
    (gas) => run(fastModule, gas),
    (gas) => run(exactModule, gas),
  );
}

/** A run that ends well needs exactly its gas; with less it is out of gas, never something else. */
function checkGasEdges(
  seed: number,
  full: Ending,
  fast: (gas: bigint) => Ending,
  exact: (gas: bigint) => Ending,
): string | undefined {
  const enough = full.trapped ? exact(full.gas) : fast(full.gas);
  if (enough.status !== full.status || enough.gas !== full.gas) {
    return `with its own gas ${full.gas}: ${describe(enough, true)}`;
  }
  const random = new SeededRandom(seed);
  for (const less of [1n, BigInt(1 + random.below(Number(full.gas)))]) {
    const gas = full.gas - less;
    const ending = full.trapped ? exact(gas) : fast(gas);
    if (ending.status !== 'out-of-gas' || ending.gas !== gas) {
      return `with gas ${gas} of ${full.gas}: ${describe(ending, true)}`;
    }
  }
  return undefined;
}

function outcomeOf(ending: Ending): string {
  return `${ending.status} ${new TextDecoder().decode(ending.output)}`;
}

function describe(ending: Ending, withGas: boolean): string {
  const memory = ending.memory === undefined ? '' : checksum(new Uint32Array(ending.memory.buffer));
  return `${outcomeOf(ending)} ${withGas ? ending.gas : ''} ${ending.pagesPeak} ${memory}`;
}

function checksum(words: Uint32Array): number {
  let sum = 0;
  for (const word of words) sum = (Math.imul(sum, 31) + word) | 0;
  return sum;
}

function runRaw(wasm: Uint8Array<ArrayBuffer>): string {
  const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm));
  const { run } = instance.exports;
  if (typeof run !== 'function') throw new Error('no run');
  try {
    return `ok ${run(5)}`;
  } catch (error) {
    if (!(error instanceof WebAssembly.RuntimeError)) throw error;
    return `trap:${trapKind(error.message)} `;
  }
}
