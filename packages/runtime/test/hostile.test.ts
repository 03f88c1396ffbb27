import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call, RunLimits } from '../src/outcome.ts';
import { createSandbox, type Sandbox } from '../src/sandbox/index.ts';
import { ATTACKS } from './hostile-modules.ts';
import { buildModule, I32, i32 } from './module-builder.ts';

const LIMITS: RunLimits = {
  gasMax: 50_000_000n,
  pagesMax: 128,
  wallMsMax: 20_000,
  outputMax: 100_000,
};
const RUN: Call = { abi: 'call', fn: 'run', args: [] };
const HELLO = buildModule({ functions: [{ results: [I32], code: i32(42), export: 'run' }] });

let sandbox: Sandbox;
beforeAll(async () => {
  sandbox = await createSandbox({ workers: 1 });
});
afterAll(() => sandbox.close());

async function endOf(wasm: Uint8Array, call: Call, limits: RunLimits): Promise<string> {
  const result = await sandbox.run({ wasm, call, limits, taskId: 'attack' });
  if (result.ok) {
    expect(result.outcome.gas).toBeLessThanOrEqual(limits.gasMax);
    expect(result.outcome.pagesPeak).toBeLessThanOrEqual(limits.pagesMax);
    expect(result.outcome.output.length).toBeLessThanOrEqual(limits.outputMax);
    return result.outcome.status;
  }
  if ('fault' in result) return `fault:${result.fault}`;
  return 'busy' in result ? 'busy' : `code:${result.code}`;
}

test('there are at least 60 attacks in at least ten classes', () => {
  expect(ATTACKS.length).toBeGreaterThanOrEqual(60);
  expect(new Set(ATTACKS.map((attack) => attack.class)).size).toBeGreaterThanOrEqual(10);
});

describe.each(ATTACKS.map((attack) => [`${attack.class}: ${attack.name}`, attack] as const))(
  '%s',
  (_, attack) => {
    test('ends as named, twice, within its limits, and the host lives', async () => {
      const limits = { ...LIMITS, ...attack.limits };
      const wasm = attack.wasm();
      expect(await endOf(wasm, attack.call ?? RUN, limits)).toBe(attack.ends);
      // A wall limit costs a worker and time; everything else must leave no trace in it.
      if (!attack.ends.startsWith('fault')) {
        expect(await endOf(wasm, attack.call ?? RUN, limits)).toBe(attack.ends);
      }
      const after = await sandbox.run({ wasm: HELLO, call: RUN, limits: LIMITS, taskId: 'after' });
      expect(after.ok && new TextDecoder().decode(after.outcome.output)).toBe('42');
    });
  },
);
