import { describe, expect, test } from 'vitest';
import {
  buildModule,
  type Code,
  call,
  type FunctionSource,
  get,
  I32,
  I64,
  i32,
  i64,
  type ModuleSource,
  set,
} from '../../test/module-builder.ts';
import { planCall } from '../call.ts';
import { type Ending, execute } from '../execute.ts';
import type { Call } from '../outcome.ts';
import { prepareModule } from '../prepare.ts';

const LIMITS = { gasMax: 100_000_000n, pagesMax: 4, wallMsMax: 1_000, outputMax: 1_000 };
const indirect = (type: number): Code => [0x11, type, 0];

/** Runs `run` with fast charges and with exact ones, and wants the same of both. */
function runBoth(source: ModuleSource, ...args: string[]): Ending {
  const prepared = prepareModule(buildModule(source));
  if (!prepared.ok) throw new Error(prepared.detail);
  const { module } = prepared;
  const asked: Call = { abi: 'call', fn: 'run', args };
  const [fast, exact] = [module.instrumented, module.exact()].map((bytes) => {
    const planned = planCall(module, asked, LIMITS);
    if (!planned.ok) throw new Error(planned.detail);
    const compiled = new WebAssembly.Module(bytes);
    const execution = execute(module, compiled, asked, planned.call, LIMITS, 'task');
    if (!execution.ok) throw new Error(execution.detail);
    return execution.ending;
  });
  if (fast === undefined || exact === undefined) throw new Error('two runs');
  expect(textOf(fast)).toBe(textOf(exact));
  expect(fast.status).toBe(exact.status);
  if (!fast.trapped) expect(fast.gas).toBe(exact.gas);
  return exact;
}

function textOf({ output }: Ending): string {
  return new TextDecoder().decode(output);
}

/** Types that are easily taken for another once counters stand behind the operands. */
const TYPES: readonly (readonly number[])[] = [
  [],
  [I32],
  [I64],
  [I64, I32],
  [I32, I64],
  [I64, I64],
];
const zero = (type: number): Code => (type === I32 ? i32(0) : i64(0n));

/** `run(entry)` calls a table entry as the type of function `type`; every other calls itself. */
function confused(type: number, results: readonly number[]): ModuleSource {
  const callees = TYPES.map((params, index): FunctionSource => {
    const again = [params.map((_, local) => get(local)), call(index)];
    const deep = index % 2 === 0 ? [i32(0), 0x04, 0x40, again, results.map(() => 0x1a), 0x0b] : [];
    return { params, results, code: [deep, results.map(() => i64(7n))] };
  });
  const operands = (TYPES[type] ?? []).map(zero);
  const code = [operands, get(0), indirect(type), results.map(() => 0x1a), i32(1)];
  const run = { params: [I32], results: [I32], code, export: 'run' };
  const count = TYPES.length;
  return {
    functions: [...callees, run],
    tables: [{ min: count }],
    elements: Array.from(TYPES.keys()),
  };
}

describe('a table call', () => {
  test.each([[[]], [[I64]]])('never takes one type for another, with results %j', (results) => {
    for (const type of TYPES.keys()) {
      for (const entry of TYPES.keys()) {
        const ending = runBoth(confused(type, results), String(entry));
        const wanted = type === entry ? 'ok' : 'trap:indirect-call';
        expect(ending.status, `entry ${entry} as type ${type}`).toBe(wanted);
      }
    }
  });

  test('reaches a host function that stands beside functions of its type', () => {
    const source = (entry: number): ModuleSource => ({
      imports: [{ module: 'wasi_snapshot_preview1', name: 'proc_exit', params: [I32] }],
      functions: [
        { params: [I32], locals: [I64], code: [i64(3n), set(1)] },
        { results: [I32], code: [i32(9), i32(entry), indirect(0), i32(5)], export: 'run' },
      ],
      memory: { min: 1, export: 'memory' },
      tables: [{ min: 2 }],
      elements: [0, 1],
    });
    expect(runBoth(source(0)).status).toBe('exit:9');
    expect(textOf(runBoth(source(1)))).toBe('5');
  });
});

describe('a function that takes its counters as parameters', () => {
  test('keeps its own parameters and locals, however many there are', () => {
    const types = [I32, I64, I32, I64];
    const literal = (type: number, value: number): Code =>
      type === I32 ? i32(value) : i64(BigInt(value));
    for (const params of [0, 1, 2, 3]) {
      for (const locals of [0, 1, 2, 3, 4]) {
        const all = [...types.slice(0, params), ...types.slice(0, locals)];
        const fill = all.map((type, local) => [literal(type, local + 1), set(local)]);
        const sum = all.map((type, local) => [get(local), type === I64 ? 0xa7 : [], 0x6a]);
        // A call of itself makes it counted; the branch keeps it from being paid by its caller.
        const operands = all.slice(0, params).map(zero);
        const deep = [i32(0), 0x04, 0x40, operands, call(0), 0x1a, 0x0b];
        const work: FunctionSource = {
          params: types.slice(0, params),
          results: [I32],
          locals: types.slice(0, locals),
          code: [fill, deep, i32(0), sum],
        };
        const run = { results: [I32], code: [operands, call(0)], export: 'run' };
        const count = params + locals;
        const ending = runBoth({ functions: [work, run] });
        expect(textOf(ending), `${params} and ${locals}`).toBe(String((count * (count + 1)) / 2));
      }
    }
  });

  test('can be referenced where its export is all that declares it', () => {
    const code = [i32(0), 0xd2, 0, 0x26, 0, i32(0), indirect(0)];
    const source: ModuleSource = {
      functions: [
        { results: [I32], code: [0x02, 0x40, 0x0b, i32(42)], export: 'answer' },
        { results: [I32], code, export: 'run' },
      ],
      tables: [{ min: 1 }],
    };
    expect(textOf(runBoth(source))).toBe('42');
  });

  test('ends at the same depth, however it is entered', () => {
    const deep = { results: [I32], code: [i32(1), call(0), 0x6a], export: 'run' };
    expect(runBoth({ functions: [deep] }).status).toBe('stack-limit');
  });
});
