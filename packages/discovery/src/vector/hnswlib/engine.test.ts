import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { buildHnswlib, patchGlue } from '../../../scripts/build-hnswlib.ts';
import { describeEngine } from '../compliance.ts';
import { Hnswlib } from './engine.ts';
import { loadHnswlib } from './load.ts';

const TARGET = new URL('../../../dist/hnswlib/', import.meta.url);

function isInstalled(): boolean {
  try {
    createRequire(import.meta.url).resolve('hnswlib-wasm/package.json');
    return true;
  } catch {
    return false;
  }
}

if (isInstalled()) {
  buildHnswlib(TARGET);
  const module = await loadHnswlib();
  describeEngine('hnswlib-wasm', (dims, capacity) => new Hnswlib({ module, dims, capacity }));
} else {
  test('a missing hnswlib-wasm is named', () => {
    expect(() => buildHnswlib(TARGET)).toThrow('hnswlib-wasm');
  });
}

test('glue of another version is refused instead of half patched', () => {
  expect(() => patchGlue('function run() {}')).toThrow('hnswlib-wasm changed');
});
