import { digestSha256, sha256Base64url } from '@zerostate/shared';
import { describe, expect, test } from 'vitest';
import { buildModule, call, f64, get, I32, i32, i64, set } from '../test/module-builder.ts';
import { admit } from './admit.ts';
import { METER } from './meter/meter-name.ts';
import { run } from './run.ts';
import { type CheckedManifest, type CheckedReceipt, limitsOf, verify } from './verify.ts';

const LOOP = [0x03, 0x40, get(0), i32(1), 0x6a, 0x22, 0, i32(700_000), 0x48, 0x0d, 0, 0x0b];

/** `add(a, b)`; `work()` traps after a loop whose counter lives in a local. */
const WASM = buildModule({
  functions: [
    { params: [I32, I32], results: [I32], code: [get(0), get(1), 0x6a], export: 'add' },
    { locals: [I32], code: [LOOP, i32(1), i32(0), 0x6d, 0x1a], export: 'work' },
    { code: call(2), export: 'deep' },
  ],
});

function manifest(fn: string, ...args: string[]): CheckedManifest {
  return {
    module: sha256Base64url(WASM),
    abi: 'call',
    fn,
    args,
    input: sha256Base64url(new Uint8Array(0)),
    gas_max: '100000000',
    pages_max: '10',
    wall_ms_max: '1000',
    output_max: '100',
    price_base: '10',
    price_per_mgas: '1000',
    price_per_page: '1',
    price_max: '100000',
    meter: METER,
  };
}

async function honest(asked: CheckedManifest): Promise<CheckedReceipt> {
  const admitted = await admit(WASM);
  if (!admitted.ok) throw new Error(admitted.detail);
  const call = { abi: 'call', fn: asked.fn, args: asked.args } as const;
  const result = await run(admitted.module, call, limitsOf(asked), 'task');
  if (!result.ok) throw new Error(result.detail);
  const { status, output, gas, pagesPeak } = result.outcome;
  const price = 10n + (gas * 1_000n + 999_999n) / 1_000_000n + BigInt(pagesPeak);
  return {
    task: 'task',
    status,
    output: await digestSha256(output),
    output_len: String(output.length),
    gas: String(gas),
    pages_peak: String(pagesPeak),
    price: String(price),
  };
}

describe('a receipt', () => {
  test.each(['add', 'work', 'deep'])('of %s that tells the truth is confirmed', async (fn) => {
    const asked = fn === 'add' ? manifest(fn, '2', '40') : manifest(fn);
    const receipt = await honest(asked);
    expect(await verify({ receipt, manifest: asked, module: WASM })).toEqual({ verdict: 'ok' });
  });

  test.each([
    ['status', 'exit:1'],
    ['output', sha256Base64url(new Uint8Array([1]))],
    ['output_len', '3'],
    ['gas', '1'],
    ['pages_peak', '1'],
    ['price', '9'],
  ] as const)('with another %s is a fault, and says so', async (field, value) => {
    const asked = manifest('add', '2', '40');
    const receipt = { ...(await honest(asked)), [field]: value };
    const verdict = await verify({ receipt, manifest: asked, module: WASM });
    expect(verdict).toMatchObject({ verdict: 'fault', differs: [{ field, receipt: value }] });
  });

  test('for a function that the module does not have is a fault', async () => {
    const receipt = await honest(manifest('add', '2', '40'));
    const verdict = await verify({ receipt, manifest: manifest('gone'), module: WASM });
    expect(verdict).toMatchObject({ verdict: 'fault', differs: [{ field: 'status' }] });
  });

  test.each<[string, Partial<CheckedManifest>, Uint8Array?]>([
    ['module-missing', {}],
    ['module-missing', {}, WASM.subarray(1)],
    ['meter-unknown', { meter: `zsm1-${'A'.repeat(43)}` }, WASM],
    ['input-missing', { abi: 'wasi', input: sha256Base64url(WASM) }, WASM],
  ])('cannot be judged when it is %s', async (why, changes, module) => {
    const asked = { ...manifest('add', '2', '40'), ...changes };
    const receipt = await honest(manifest('add', '2', '40'));
    const verdict = await verify({ receipt, manifest: asked, module });
    expect(verdict).toMatchObject({ verdict: 'indeterminate', why });
  });

  test('is not judged by a host that failed', async () => {
    const asked = manifest('add', '2', '40');
    const receipt = await honest(asked);
    const verdict = await verify({
      receipt,
      manifest: asked,
      module: WASM,
      runner: async () => ({ ok: false, fault: 'host-memory', detail: 'none left' }),
    });
    expect(verdict).toMatchObject({ verdict: 'indeterminate', why: 'host' });
  });
});

describe('gas', () => {
  test('of a trap is what ran, not what the fast counter had published', async () => {
    const { gas, status } = await honest(manifest('work'));
    expect(status).toBe('trap:divide-by-zero');
    // 700 000 rounds of a loop of a dozen gas each.
    expect(Number(gas)).toBeGreaterThan(700_000 * 8);
    expect(Number(gas)).toBeLessThan(700_000 * 20);
  });

  test('is enough when it is exactly what a run takes, and one less is too little', async () => {
    const asked = manifest('add', '2', '40');
    const { gas } = await honest(asked);
    expect((await honest({ ...asked, gas_max: gas })).status).toBe('ok');
    const less = await honest({ ...asked, gas_max: String(BigInt(gas) - 1n) });
    expect(less.status).toBe('out-of-gas');
    expect(BigInt(less.gas)).toBe(BigInt(gas) - 1n);
  });
});

test('NaN bits that a program observes are canonical, accumulated in a loop too', async () => {
  const step = [get(0), f64(1), 0xa0, set(0)];
  const next = [get(1), i32(1), 0x6a, 0x22, 1, i32(9), 0x48, 0x0d, 0];
  const observe = [get(0), 0xbd, i64(0x7ff8000000000000n), 0x51];
  const wasm = buildModule({
    functions: [
      {
        results: [I32],
        locals: [0x7c, I32],
        // x86-64 makes a negative NaN of 0/0; a sum with it keeps that.
        code: [f64(0), f64(0), 0xa3, set(0), 0x03, 0x40, step, next, 0x0b, observe],
        export: 'run',
      },
    ],
  });
  const admitted = await admit(wasm);
  if (!admitted.ok) throw new Error(admitted.detail);
  const result = await run(
    admitted.module,
    { abi: 'call', fn: 'run', args: [] },
    limitsOf(manifest('run')),
    'task',
  );
  expect(result.ok && new TextDecoder().decode(result.outcome.output)).toBe('1');
});
