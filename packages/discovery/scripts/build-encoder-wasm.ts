/**
 * `npm run build:encoder-wasm -w @zerostate/discovery`: compiles assembly/use-lite into
 * wasm/use-lite.wasm. All memory is given at the start, and a custom section carries the SHA-256
 * of everything before it: workers get a compiled module, whose bytes they cannot hash.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DIGEST_SECTION } from '../src/embed/use-lite/kernel.ts';

export const KERNEL_FILE = new URL('../wasm/use-lite.wasm', import.meta.url);

/** 64 KiB each; `start` checks that they suffice. */
const PAGES = '152';
const OPTIONS = [
  ...['--runtime', 'stub', '--noAssert', '-O3', '--converge', '--enable', 'simd'],
  ...['--enable', 'bulk-memory', '--enable', 'sign-extension'],
  ...['--initialMemory', PAGES, '--maximumMemory', PAGES],
];

/** A custom section: id 0, then name and content, each shorter than 128 bytes. */
function customSection(name: string, content: Uint8Array): Uint8Array {
  const label = new TextEncoder().encode(name);
  const body = [label.length, ...label, ...content];
  return Uint8Array.from([0, body.length, ...body]);
}

/** The module with its digest, as the sources give it. */
export function compileKernel(): Uint8Array {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const asc = fileURLToPath(new URL('../../../node_modules/.bin/asc', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'zs-kernel-'));
  try {
    const target = join(folder, 'use-lite.wasm');
    const args = ['assembly/use-lite/encoder.ts', ...OPTIONS, '-o', target];
    const run = spawnSync(asc, args, { cwd: root, encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`asc failed: ${run.stderr}`);
    const code = readFileSync(target);
    const digest = createHash('sha256').update(code).digest();
    return Buffer.concat([code, customSection(DIGEST_SECTION, digest)]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(KERNEL_FILE, compileKernel());
