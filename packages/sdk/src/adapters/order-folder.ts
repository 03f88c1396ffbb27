import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isHash } from '@zerostate/shared';
import type { SentOrders } from '../client/sent-orders.ts';

/** Inputs as files named by their task. */
export function createOrderFolder(folder: string): SentOrders {
  return {
    async keep(task, input) {
      const path = pathOf(folder, task);
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        await file.writeFile(input);
        // The executor may be paid for this order after a power cut: what it was about must be there.
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    },
    async input(task) {
      try {
        return await readFile(pathOf(folder, task));
      } catch (cause) {
        if (isMissing(cause)) return null;
        throw cause;
      }
    },
    forget: (task) => rm(pathOf(folder, task), { force: true }),
    async tasks() {
      try {
        return (await readdir(folder)).filter(isHash);
      } catch (cause) {
        if (isMissing(cause)) return [];
        throw cause;
      }
    },
  };
}

function pathOf(folder: string, task: string): string {
  if (!isHash(task)) throw new RangeError('a task is named by a hash');
  return join(folder, task);
}

function isMissing(cause: unknown): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
}
