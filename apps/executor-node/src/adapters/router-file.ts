import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { RouterMemory } from '@zerostate/mesh';

/**
 * What the router learned, in a file of the state folder. It is worth some seconds of learning and
 * no money: a crash may lose it, and may not leave half of it.
 */
export function routerFile(folder: string): RouterMemory {
  const path = join(folder, 'routes.json');
  return {
    async load() {
      const text = await readFile(path, 'utf8').catch((cause: unknown) => {
        if (cause instanceof Error && 'code' in cause && cause.code === 'ENOENT') return null;
        throw cause;
      });
      return text === null ? null : JSON.parse(text);
    },
    async save(state) {
      // One that a crash left keeps its rights, whatever they are.
      await rm(`${path}.new`, { force: true });
      await writeFile(`${path}.new`, JSON.stringify(state), { mode: 0o600, flag: 'wx' });
      await rename(`${path}.new`, path);
    },
  };
}
