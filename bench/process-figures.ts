/** What a process takes, as Linux counts it. */
import { readFile } from 'node:fs/promises';

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
