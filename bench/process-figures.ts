/** What a process takes, as Linux counts it. */
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

/** What a process loads first, with `--expose-gc`, so that `collected` works on it. */
export const MEMORY_PRELOAD = join(import.meta.dirname, 'collected-memory.ts');
const COLLECT_MS_MAX = 30_000;
const LOOK_MS = 50;
const memorySchema = z.looseObject({ heapUsed: z.number(), external: z.number() });

const CLOCK_TICK_MS = 10;

/** Resident memory, MiB. */
export async function rssMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024;
}

/** User and system time of all its threads so far, ms. */
export async function cpuMs(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.split(') ')[1]?.split(' ') ?? [];
  return CLOCK_TICK_MS * (Number(fields[11]) + Number(fields[12]));
}

/** The environment of a process that writes its memory to a file. */
export const memoryEnv = (path: string): Record<string, string> => ({ ZS_BENCH_MEMORY: path });

/** What a process still holds once its garbage is collected, in bytes. */
export async function collected(
  pid: number,
  path: string,
): Promise<{ heapUsed: number; external: number }> {
  await rm(path, { force: true });
  process.kill(pid, 'SIGUSR2');
  for (let waited = 0; waited < COLLECT_MS_MAX; waited += LOOK_MS) {
    await pause(LOOK_MS);
    const written = await readFile(path, 'utf8').catch(() => '');
    if (written !== '') return memorySchema.parse(JSON.parse(written));
  }
  throw new Error(`process ${pid} did not collect its garbage`);
}
