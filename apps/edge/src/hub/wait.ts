import type { Clock, Hub } from '../ports.ts';

/** A waiting caller looks again at least this often: its wake may have happened in another process. */
const LOOK_AGAIN_MS = 1_000;

/**
 * Reads until the value is settled or `waitMs` is over, and returns the last value read.
 * The watch is opened before the first read, so that no change falls between the two.
 */
export async function readUntil<T>(
  ports: { hub: Hub; clock: Clock },
  wait: { topic: string; waitMs: number },
  read: () => Promise<T>,
  isSettled: (value: T) => boolean,
): Promise<T> {
  if (wait.waitMs <= 0) return read();
  const until = ports.clock.now() + wait.waitMs;
  const watch = ports.hub.watch(wait.topic);
  try {
    for (;;) {
      const value = await read();
      const leftMs = until - ports.clock.now();
      if (isSettled(value) || leftMs <= 0) return value;
      if (!(await watch.changed(Math.min(leftMs, LOOK_AGAIN_MS)))) return value;
    }
  } finally {
    watch.close();
  }
}
