/**
 * `npm run build:encoder-wasm -w @zerostate/discovery`: compiles assembly/use-lite into
 * wasm/use-lite.wasm. All memory is given at the start, and a custom section carries the SHA-256
 * of everything before it: workers get a compiled module, whose bytes they cannot hash.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { DIGEST_SECTION } from '../src/embed/use-lite/kernel.ts';

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

function build(): void {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const target = fileURLToPath(new URL('../wasm/use-lite.wasm', import.meta.url));
  const asc = fileURLToPath(new URL('../../../node_modules/.bin/asc', import.meta.url));
  const source = 'assembly/use-lite/encoder.ts';
  const run = spawnSync(asc, [source, ...OPTIONS, '-o', target], { cwd: root, stdio: 'inherit' });
  if (run.status !== 0) throw new Error('asc failed');
  const code = readFileSync(target);
  const digest = createHash('sha256').update(code).digest();
  writeFileSync(target, Buffer.concat([code, customSection(DIGEST_SECTION, digest)]));
}

build();
