/** Tasks through the sandbox: time, rate, kill and memory. */
import { createHash, generateKeyPairSync, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import type { RunLimits } from '@zerostate/runtime';
import { createSandbox, type Sandbox } from '@zerostate/runtime/sandbox';
import { higher, lower } from './meter-result.ts';
import { read } from './meter-workloads.ts';
import { type BenchResult, quantile } from './report.ts';

const LIMITS: RunLimits = {
  gasMax: 1_000_000_000n,
  pagesMax: 64,
  wallMsMax: 1_000,
  outputMax: 10_000,
};
const TASKS = 4_000;
const TASKS_FULL = 40_000;
/** Tasks offered at once when the rate is measured. */
const IN_FLIGHT = 8;
const KILLS = 10;
const KILL_LIMIT_MS = 200;
const MIB = 1_024 * 1_024;
const PAGE_BYTES = 4_096;

export async function measureSandbox(
  full: boolean,
  note: (line: string) => void,
): Promise<BenchResult[]> {
  const sandbox = await createSandbox({ workers: 2 });
  try {
    const idle = idleBytes(sandbox);
    const count = full ? TASKS_FULL : TASKS;
    note('tiny tasks, one after the other');
    const times = await oneByOne(sandbox, count);
    note('tiny tasks, as many as there are workers');
    const rate = await sideBySide(sandbox, count);
    note('runaways');
    const over = await kills(sandbox);
    return [
      lower('task.p50_ms', quantile(times, 0.5), 'ms'),
      lower('task.p99_ms', quantile(times, 0.99), 'ms'),
      higher('task.per_s', rate, 'tasks/s'),
      lower('kill.over_ms_max', over, 'ms'),
      lower('worker.idle_mib', idle / MIB, 'MiB'),
    ];
  } finally {
    await sandbox.close();
  }
}

const HELLO = read('agents/hello/hello.wasm');
const KEYS = generateKeyPairSync('ed25519');

function sha256(bytes: Uint8Array | string): string {
  return createHash('sha256').update(bytes).digest('base64url');
}

/** One task as an executor does it: hash the input, run, hash the output, sign a receipt. */
async function task(sandbox: Sandbox, number: number): Promise<void> {
  const taskId = sha256(`task ${number}`);
  const call = { abi: 'call', fn: 'hello', args: [] } as const;
  const result = await sandbox.run({ wasm: HELLO, call, limits: LIMITS, taskId });
  if (!result.ok || !('outcome' in result)) throw new Error(JSON.stringify(result));
  const { status, output, gas, pagesPeak } = result.outcome;
  const receipt = {
    task: taskId,
    status,
    output: sha256(output),
    gas: `${gas}`,
    pages: `${pagesPeak}`,
  };
  const digest = createHash('sha256').update(JSON.stringify(receipt)).digest();
  sign(null, digest, KEYS.privateKey);
}

async function oneByOne(sandbox: Sandbox, count: number): Promise<number[]> {
  const times: number[] = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    await task(sandbox, i);
    times.push(performance.now() - start);
  }
  return times;
}

async function sideBySide(sandbox: Sandbox, count: number): Promise<number> {
  let next = 0;
  const start = performance.now();
  const lane = async (): Promise<void> => {
    while (next < count) await task(sandbox, next++);
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
  return count / ((performance.now() - start) / 1_000);
}

/** How long after its wall limit a loop that never ends is reported, at most. */
async function kills(sandbox: Sandbox): Promise<number> {
  let worst = 0;
  const wasm = read('bench/meter-workloads/kernels.wasm');
  const call = { abi: 'call', fn: 'recursion', args: ['60'] } as const;
  const limits = { ...LIMITS, gasMax: 1_000_000_000_000n, wallMsMax: KILL_LIMIT_MS };
  for (let i = 0; i < KILLS; i++) {
    // The last one took its worker with it; its successor starts first.
    while (sandbox.status().ready < sandbox.status().workers) await setTimeout(KILL_LIMIT_MS / 10);
    const start = performance.now();
    const result = await sandbox.run({ wasm, call, limits, taskId: 'runaway' });
    if (result.ok || !('fault' in result)) throw new Error('a runaway was not stopped');
    worst = Math.max(worst, performance.now() - start - KILL_LIMIT_MS);
  }
  return worst;
}

/** Resident bytes of the largest worker before its first task. */
function idleBytes(sandbox: Sandbox): number {
  const sizes = sandbox.status().pids.map((pid) => {
    const statm = readFileSync(`/proc/${pid}/statm`, 'latin1');
    return Number(statm.split(' ')[1]) * PAGE_BYTES;
  });
  return Math.max(...sizes);
}
