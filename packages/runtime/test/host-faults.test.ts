import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Call, RunLimits } from '../src/outcome.ts';
import { findMemoryGroups } from '../src/sandbox/adapters/memory-group.ts';
import { nativeSha256, nodePorts } from '../src/sandbox/adapters/node.ts';
import { createSandbox, SANDBOX_LIMITS } from '../src/sandbox/index.ts';
import { type JobResult, Pool } from '../src/sandbox/pool.ts';
import { buildModule, get, I32, i32 } from './module-builder.ts';

/** KiB of address space that a worker may have: enough to start, not for the memories below. */
const ADDRESS_SPACE_KIB = 4_000_000;
const LIMITED = ['sh', '-c', `ulimit -v ${ADDRESS_SPACE_KIB}; exec "$@"`, 'sh'];
const LIMITS: RunLimits = {
  gasMax: 1_000_000_000_000n,
  pagesMax: 65_536,
  wallMsMax: 20_000,
  outputMax: 100,
};

/** `run(pages)` grows its memory and gives what memory.grow gave. */
const GROWS = buildModule({
  functions: [{ params: [I32], results: [I32], code: [get(0), 0x40, 0], export: 'run' }],
  memory: { min: 1 },
});
const STARTS_LARGE = buildModule({
  functions: [{ results: [I32], code: i32(1), export: 'run' }],
  memory: { min: 30_000 },
});

const MIB = 1024 ** 2;
/** Writes to every page of 600 MiB, again and again: it does not end before it is looked at. */
const FILL = [i32(0), i32(1), i32(600 * MIB), 0xfc, 11, 0];
const TOUCHES = buildModule({
  functions: [{ code: [0x03, 0x40, FILL, 0x0c, 0, 0x0b], export: 'run' }],
  memory: { min: 9_600 },
});
const HELLO = buildModule({ functions: [{ results: [I32], code: i32(42), export: 'run' }] });

let pool: Pool;
beforeAll(async () => {
  pool = new Pool(nodePorts(LIMITED), {
    workers: 1,
    queueMax: 4,
    limits: { ...SANDBOX_LIMITS, pagesMax: LIMITS.pagesMax },
    overheadBytesMax: 1024 ** 3,
    hash: nativeSha256,
  });
  expect(await pool.start()).toBeUndefined();
});
afterAll(() => pool.close());

async function runJob(wasm: Uint8Array, ...args: string[]): Promise<JobResult> {
  const call: Call = { abi: 'call', fn: 'run', args };
  const result = await pool.run({ wasm, call, limits: LIMITS, taskId: 'task' });
  if ('busy' in result) throw new Error('busy');
  return result;
}

function outputOf(result: JobResult): string {
  if (!result.ok) throw new Error(result.detail);
  return new TextDecoder().decode(result.outcome.output);
}

describe('a host that has no more memory', () => {
  test('is at fault when memory.grow fails, and the guest never learns of it', async () => {
    expect(outputOf(await runJob(GROWS, '10'))).toBe('1');
    const refused = await runJob(GROWS, '60000');
    expect(refused).toMatchObject({ ok: false, fault: 'host-memory' });
    expect(refused).not.toHaveProperty('outcome');
  });

  test('is at fault when an instance cannot be made', async () => {
    expect(await runJob(STARTS_LARGE)).toMatchObject({ ok: false, fault: 'host-memory' });
  });

  test('runs the next task in the same worker as if nothing had been', async () => {
    const [before] = pool.pids();
    expect(await runJob(GROWS, '60000')).toMatchObject({ ok: false, fault: 'host-memory' });
    expect(outputOf(await runJob(GROWS, '10'))).toBe('1');
    expect(pool.pids()).toEqual([before]);
  });
});

describe('a worker that takes more memory than it may', () => {
  test('is ended by the kernel or the watchdog, as status says, and replaced', async () => {
    const groups = findMemoryGroups();
    const sandbox = await createSandbox({ workers: 1 });
    expect(sandbox.status().memory).toBe(groups === undefined ? 'watchdog' : 'cgroup');
    await sandbox.close();
    const hold = groups && { groups, bytesMax: 300 * MIB };
    const limits = { ...SANDBOX_LIMITS, pagesMax: LIMITS.pagesMax };
    // With groups the watchdog is told to let everything pass.
    const overheadBytesMax = groups === undefined ? -LIMITS.pagesMax * 65_536 + 300 * MIB : 1e12;
    const options = { workers: 1, queueMax: 4, limits, overheadBytesMax, hash: nativeSha256 };
    const held = new Pool(nodePorts(undefined, hold), options);
    expect(await held.start()).toBeUndefined();
    const call: Call = { abi: 'call', fn: 'run', args: [] };
    const greedy = await held.run({ wasm: TOUCHES, call, limits: LIMITS, taskId: 'task' });
    const fault = groups === undefined ? 'host-memory' : 'worker-died';
    expect(greedy).toMatchObject({ ok: false, fault });
    const small = await held.run({ wasm: HELLO, call, limits: LIMITS, taskId: 'task' });
    expect(small).toMatchObject({ ok: true });
    await held.close();
  });
});
