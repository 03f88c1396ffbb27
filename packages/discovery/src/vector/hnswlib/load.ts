import { readFile } from 'node:fs/promises';
import { type HnswlibFactory, type HnswlibModule, startHnswlib } from './module.ts';

const BUILT = new URL('../../../dist/hnswlib/', import.meta.url);

/** hnswlib-wasm as `npm run build:hnswlib` left it, for Node, Bun and Deno. */
export async function loadHnswlib(): Promise<HnswlibModule> {
  const glue = (await import(new URL('hnswlib.mjs', BUILT).href)) as { default: HnswlibFactory };
  const bytes = await readFile(new URL('hnswlib.wasm', BUILT));
  return startHnswlib(glue.default, await WebAssembly.compile(bytes));
}
