import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AdmitResult, admit } from '../src/admit.ts';
import { ADMIT_LIMITS, RUN_LIMITS } from '../src/limits.ts';
import type { Call, RunLimits } from '../src/outcome.ts';
import { run } from '../src/run.ts';
import { createSandbox, SANDBOX_LIMITS, type Sandbox } from '../src/sandbox/index.ts';
import { buildModule, F64, get, I32, I64, i32 } from './module-builder.ts';

const LIMITS: RunLimits = { gasMax: 10_000_000n, pagesMax: 4, wallMsMax: 1_000, outputMax: 100 };

const WASM = buildModule({
  functions: [
    { params: [I32, I64], results: [I32], code: get(0), export: 'add' },
    { params: [F64], results: [I32], code: i32(1), export: 'float' },
    { code: [], export: '_start' },
  ],
  memory: { min: 2, export: 'memory' },
});

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox({ workers: 1 });
});
afterAll(() => sandbox.close());

type Refused = Exclude<AdmitResult, { ok: true }>;

async function refusal(wasm: Uint8Array): Promise<Refused> {
  const result = await admit(wasm);
  if (result.ok) throw new Error('admitted');
  return result;
}

const THREADS = buildModule({
  functions: [{ results: [I32], code: [i32(0), i32(0), i32(0), 0xfe, 0x00, 2, 0], export: 'run' }],
  memory: { min: 1, max: 1 },
});
const IMPORTS = buildModule({ imports: [{ module: 'env', name: 'fetch', params: [I32] }] });

describe('a module is refused with a code and a place when it is', () => {
  test('truncated anywhere', async () => {
    for (let length = 0; length < WASM.length; length++) {
      const result = await admit(WASM.subarray(0, length));
      // A module may end behind any section, as long as its functions have bodies.
      if (result.ok) expect(WebAssembly.validate(WASM.slice(0, length))).toBe(true);
      else expect(['not-wasm', 'invalid'], `${length} bytes`).toContain(result.code);
    }
    const { code, offset } = await refusal(WASM.subarray(0, WASM.length - 1));
    expect(code).toBe('invalid');
    expect(offset).toBeGreaterThan(WASM.length / 2);
  });

  test('larger than a module may be', async () => {
    const large = new Uint8Array(ADMIT_LIMITS.moduleBytesMax + 1);
    large.set(WASM);
    const { code, detail } = await refusal(large);
    expect([code, detail]).toEqual(['limit', `module of ${large.length} bytes`]);
  });

  test.each<[string, Uint8Array, Partial<Refused>]>([
    ['empty', new Uint8Array(0), { code: 'not-wasm', offset: 0 }],
    ['a text', new TextEncoder().encode('(module)'), { code: 'not-wasm', offset: 0 }],
    ['of another version', Uint8Array.of(0, 97, 115, 109, 2, 0, 0, 0), { code: 'not-wasm' }],
    ['of threads', THREADS, { code: 'feature' }],
    ['one that imports what no host gives', IMPORTS, { code: 'import' }],
  ])('%s', async (_, wasm, wanted) => {
    const refused = await refusal(wasm);
    expect(refused).toMatchObject(wanted);
    expect(refused.offset).toBeTypeOf('number');
  });

  test('the same through the sandbox', async () => {
    const call: Call = { abi: 'call', fn: 'run', args: [] };
    const result = await sandbox.run({ wasm: THREADS, call, limits: LIMITS, taskId: 'task' });
    expect(result).toEqual(await refusal(THREADS));
  });
});

const command = (args: string[], length = 0): Call => ({
  abi: 'wasi',
  args,
  input: new Uint8Array(length),
});
const plain = (fn: string, ...args: string[]): Call => ({ abi: 'call', fn, args });

describe('a call is refused with a code and a field, and nothing runs, when', () => {
  test.each<[string, Call, Partial<RunLimits>, string, string]>([
    ['its function is not there', plain('gone'), {}, 'function-unknown', 'gone'],
    ['its function takes floats', plain('float', '1'), {}, 'signature-unsupported', 'F:i'],
    ['an argument is missing', plain('add', '1'), {}, 'argument-count', '1 of 2'],
    ['an argument is no number', plain('add', '1', 'x'), {}, 'argument-kind', 'argument 1'],
    ['an argument is a fraction', plain('add', '1.5', '2'), {}, 'argument-kind', 'argument 0'],
    ['an argument is no i32', plain('add', '2147483648', '2'), {}, 'argument-kind', 'argument 0'],
    ['an argument has two spellings', plain('add', '01', '2'), {}, 'argument-kind', 'argument 0'],
    ['arguments hold a NUL', command(['a\0b']), {}, 'argument-kind', 'NUL'],
    [
      'its arguments are too long',
      command(['a'.repeat(RUN_LIMITS.argumentBytesMax + 1)]),
      {},
      'argument-size',
      'arguments',
    ],
    [
      'its input is too large',
      command([], RUN_LIMITS.inputBytesMax + 1),
      {},
      'input-size',
      'input',
    ],
    [
      'a limit is no number',
      plain('add', '1', '2'),
      { outputMax: -1 },
      'limits-invalid',
      'outputMax',
    ],
    [
      'its pages are fewer than the memory has',
      plain('add', '1', '2'),
      { pagesMax: 1 },
      'memory-minimum',
      '2 pages, 1 allowed',
    ],
  ])('%s', async (_, call, limits, code, detail) => {
    const admitted = await admit(WASM);
    if (!admitted.ok) throw new Error(admitted.detail);
    const result = await run(admitted.module, call, { ...LIMITS, ...limits }, 'task');
    expect(result).toEqual({ ok: false, code, detail });
  });

  test.each(['gasMax', 'pagesMax', 'wallMsMax', 'outputMax'] as const)(
    'its limit %s is over the node’s',
    async (name) => {
      const over = name === 'gasMax' ? SANDBOX_LIMITS.gasMax + 1n : SANDBOX_LIMITS[name] + 1;
      const limits = { ...LIMITS, [name]: over };
      const job = { wasm: WASM, call: plain('add', '1', '2'), limits, taskId: 'task' };
      expect(await sandbox.run(job)).toEqual({ ok: false, code: 'limits-exceeded', detail: name });
    },
  );
});
