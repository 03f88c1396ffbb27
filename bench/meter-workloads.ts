/** The programs that metering is measured on. Sources: meter-workloads/ and agents/js-runner. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Workload {
  readonly name: string;
  /** From the project's root. */
  readonly file: string;
  readonly entry: string;
  readonly args: readonly number[];
  readonly input: string;
  /** Programs that interpret another language. */
  readonly interpreter: boolean;
}

const KERNELS = 'bench/meter-workloads/kernels.wasm';

/** Recursion, property access, sorting, JSON and strings, as scripts have them. */
const SCRIPT = `
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
const seen = {};
let sum = 0;
for (let i = 0; i < 200000; i++) {
  const key = 'k' + (i % 500);
  seen[key] = (seen[key] || 0) + i;
  sum += seen[key] % 7;
}
const list = [];
for (let i = 0; i < 20000; i++) list.push((i * 7919) % 10007);
list.sort((a, b) => a - b);
const text = JSON.stringify(list.slice(0, 2000));
for (let i = 0; i < 10; i++) sum += JSON.parse(text).length;
console.log(fib(25), sum, list[777], 'abc'.repeat(100).replace(/b/g, 'x').length);
`;

function kernel(name: string, size: number): Workload {
  return { name, file: KERNELS, entry: name, args: [size], input: '', interpreter: false };
}

/** Sized to run between 100 and 250 ms: thread time comes in steps of 4 ms on some systems. */
export const WORKLOADS: readonly Workload[] = [
  kernel('digest', 400_000),
  kernel('matmul', 540),
  kernel('mandelbrot', 1_000),
  kernel('sort', 300_000),
  kernel('json', 100_000),
  kernel('recursion', 37),
  {
    name: 'sqlite',
    file: 'bench/meter-workloads/sqlite.wasm',
    entry: 'sql',
    args: [60_000],
    input: '',
    interpreter: true,
  },
  {
    name: 'quickjs',
    file: 'agents/js-runner/js-runner.wasm',
    entry: '_start',
    args: [],
    input: SCRIPT,
    interpreter: true,
  },
];

export function read(path: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(readFileSync(join(import.meta.dirname, '..', path)));
}
