import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { digestSha256, isHash } from '@zerostate/shared';
import { createMemoryModules, type ModuleStore } from '../verify/modules.ts';

/**
 * Modules as files named by their hash, and in memory those of late. A file that does not match its
 * name is not there.
 */
export function createModuleFolder(folder: string): ModuleStore {
  const late = createMemoryModules();
  const pathOf = (hash: string) => join(folder, `${hash}.wasm`);
  return {
    async get(hash) {
      if (!isHash(hash)) return null;
      const known = await late.get(hash);
      if (known !== null) return known;
      let bytes: Uint8Array;
      try {
        bytes = await readFile(pathOf(hash));
      } catch {
        return null;
      }
      if ((await digestSha256(bytes)) !== hash) return null;
      await late.put(hash, bytes);
      return bytes;
    },
    async put(hash, bytes) {
      if (!isHash(hash)) return;
      const part = join(folder, `${hash}.${randomBytes(6).toString('hex')}.part`);
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 });
        await writeFile(part, bytes, { flag: 'wx' });
        // Whole or not at all, also when two processes fetch the same module.
        await rename(part, pathOf(hash));
      } catch {
        // A cache that cannot be written costs a download, nothing else.
        await rm(part, { force: true });
      }
    },
  };
}
