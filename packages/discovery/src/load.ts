import { readFile } from 'node:fs/promises';

/**
 * The engine's module from the file beside this package, for Node, Bun and Deno. workerd and
 * bundlers import `@zerostate/discovery/int8-hnsw.wasm` as a module instead.
 */
export async function loadInt8Hnsw(): Promise<WebAssembly.Module> {
  const bytes = await readFile(new URL('../wasm/int8-hnsw.wasm', import.meta.url));
  return WebAssembly.compile(bytes);
}
