import type { CallOptions, EdgeClient } from '../edge-client.ts';
import type { EdgeResult } from '../http/outcome.ts';

/** Modules by their hash. What comes out is checked again by whoever put it there. */
export interface ModuleStore {
  get(hash: string): Promise<Uint8Array | null>;
  put(hash: string, bytes: Uint8Array): Promise<void>;
}

/** Modules kept in memory, in bytes. */
const BYTES_MAX = 64 * 1024 * 1024;

/** The most recently used modules, as many as fit. */
export function createMemoryModules(bytesMax = BYTES_MAX): ModuleStore {
  const modules = new Map<string, Uint8Array>();
  let held = 0;
  return {
    async get(hash) {
      const bytes = modules.get(hash);
      if (bytes === undefined) return null;
      // A Map iterates in order of insertion: moving to the end is what makes it LRU.
      modules.delete(hash);
      modules.set(hash, bytes);
      return bytes;
    },
    async put(hash, bytes) {
      if (modules.has(hash) || bytes.length > bytesMax) return;
      modules.set(hash, bytes);
      held += bytes.length;
      for (const [oldest, { length }] of modules) {
        if (held <= bytesMax) return;
        modules.delete(oldest);
        held -= length;
      }
    },
  };
}

/** A module from the store, or else from the edge and then into the store. */
export async function fetchModule(
  edge: Pick<EdgeClient, 'getBlob'>,
  store: ModuleStore,
  hash: string,
  options: CallOptions = {},
): Promise<EdgeResult<Uint8Array>> {
  const known = await store.get(hash);
  if (known !== null) return { ok: true, value: known };
  const fetched = await edge.getBlob(hash, options);
  if (fetched.ok) await store.put(hash, fetched.value);
  return fetched;
}
