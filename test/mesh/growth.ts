import { setTimeout as pause } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect } from 'vitest';

/** What a process that repeats itself may gain between two looks: caches that fill up, no more. */
const HEAP_BYTES_MAX = 8_388_608;
const RESOURCES_MAX = 4;
/** Deadlines of what is under way come and go: the least of these looks is what stays. */
const LOOKS = 20;
const LOOK_MS = 500;

export interface Usage {
  heapBytes: number;
  /** Sockets, timers and processes that node holds. */
  resources: number;
  /** Listeners of the mesh's transports. */
  listeners: number;
}

/** What this process holds once everything unreachable is gone. */
export async function usage(listeners: number): Promise<Usage> {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect !== 'function') throw new Error('node gives no garbage collection');
  let resources = Number.POSITIVE_INFINITY;
  for (let look = 0; look < LOOKS; look++) {
    await pause(LOOK_MS);
    resources = Math.min(resources, process.getActiveResourcesInfo().length);
  }
  for (let i = 0; i < 3; i++) {
    collect();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  return { heapBytes: process.memoryUsage().heapUsed, resources, listeners };
}

export function expectNoGrowth(before: Usage, after: Usage): void {
  console.info('usage', JSON.stringify(before), JSON.stringify(after));
  expect(after.listeners).toBe(before.listeners);
  expect(after.resources - before.resources).toBeLessThanOrEqual(RESOURCES_MAX);
  expect(after.heapBytes - before.heapBytes).toBeLessThan(HEAP_BYTES_MAX);
}
