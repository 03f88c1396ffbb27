/**
 * Runs a corpus and prints a line for each run: what determines it, and all that it must give. The
 * same file runs on Node, Bun and Deno; determinism.test.ts compares what they print.
 *
 *     node packages/runtime/test/determinism-main.ts [programs]
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { digestSha256, sha256Base64url } from '@zerostate/shared';
import { admit, type Call, type RunLimits, run } from '../src/index.ts';
import { ATTACKS } from './hostile-modules.ts';
import { generateProgram } from './program-generator.ts';

const ROOT = resolve(import.meta.dirname, '../../..');
const LIMITS: RunLimits = {
  gasMax: 60_000_000_000n,
  pagesMax: 4_096,
  wallMsMax: 60_000,
  outputMax: 1_000_000,
};

async function line(
  name: string,
  wasm: Uint8Array,
  call: Call,
  limits: RunLimits = LIMITS,
): Promise<void> {
  const admitted = await admit(wasm);
  if (!admitted.ok) {
    console.log(`${name} | ${admitted.code}`);
    return;
  }
  const metered = sha256Base64url(admitted.module.instrumented);
  const result = await run(admitted.module, call, limits, 'task of the corpus', {
    memoryHash: true,
  });
  if (!result.ok) {
    console.log(
      `${name} | ${metered} ${'code' in result ? result.code : `${result.fault} ${result.detail}`}`,
    );
    return;
  }
  const { status, gas, pagesPeak, output, stderr, memoryHash } = result.outcome;
  const hashes = `${await digestSha256(output)} ${await digestSha256(stderr)} ${memoryHash}`;
  console.log(`${name} | ${metered} ${status} ${gas} ${pagesPeak} ${hashes}`);
}

function read(path: string): Uint8Array {
  return new Uint8Array(readFileSync(join(ROOT, path)));
}

function kernel(fn: string, size: number): Promise<void> {
  const call: Call = { abi: 'call', fn, args: [String(size)] };
  return line(fn, read('bench/meter-workloads/kernels.wasm'), call);
}

const SCRIPT = `
const counts = {};
for (let i = 0; i < 20000; i++) counts['k' + (i % 100)] = (counts['k' + (i % 100)] ?? 0) + i * 0.1;
const sorted = Object.entries(counts).sort((a, b) => b[1] - a[1]);
const deep = (n) => n === 0 ? 0 : 1 + deep(n - 1);
let reached = 0;
try { const dive = (n) => { reached = n; dive(n + 1); }; dive(0); } catch (e) { reached = -reached; }
console.log(sorted[3], Math.sin(1), 0 / 0, deep(100), new Date(0).toISOString());
console.log(Math.random(), reached < 0);
`;

const SQL_ROWS = 500;

const agents = readdirSync(join(ROOT, 'agents')).sort();
for (const agent of agents) {
  const manifest = join(ROOT, 'agents', agent, 'agent.json');
  if (!existsSync(manifest)) continue;
  for (const program of JSON.parse(readFileSync(manifest, 'utf8')).programs) {
    const text = agent === 'js-runner' ? SCRIPT : '# A title\n\nSome *text* to work on, 12345.\n';
    const call: Call =
      program.abi === 'call'
        ? { abi: 'call', fn: program.fn, args: program.args ?? [] }
        : { abi: 'wasi', args: program.args ?? [], input: new TextEncoder().encode(text) };
    await line(`${agent} ${program.skill}`, read(join('agents', agent, program.file)), call);
  }
}
for (const [fn, size] of [
  ['digest', 500],
  ['matmul', 40],
  ['mandelbrot', 30],
  ['sort', 5_000],
  ['json', 100],
  ['recursion', 18],
] as const) {
  await kernel(fn, size);
}
const sql: Call = { abi: 'call', fn: 'sql', args: [String(SQL_ROWS)] };
const sqlite = read('bench/meter-workloads/sqlite.wasm');
await line('sqlite', sqlite, sql);
await line('sqlite out of gas', sqlite, sql, { ...LIMITS, gasMax: 10_000_000n });
await line('sqlite out of pages', sqlite, sql, { ...LIMITS, pagesMax: 3 });
for (const attack of ATTACKS) {
  if (attack.ends.startsWith('fault')) continue;
  const limits = { ...LIMITS, gasMax: 50_000_000n, pagesMax: 128, outputMax: 100_000 };
  const call = attack.call ?? ({ abi: 'call', fn: 'run', args: [] } as const);
  await line(attack.name, attack.wasm(), call, { ...limits, ...attack.limits });
}
const programs = Number(process.argv[2] ?? 50);
for (let seed = 1; seed <= programs; seed++) {
  const call: Call = { abi: 'call', fn: 'run', args: ['5'] };
  await line(`program ${seed}`, generateProgram(seed, true), call);
}
