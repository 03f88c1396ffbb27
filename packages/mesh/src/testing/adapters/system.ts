import { getRandomValues } from 'node:crypto';
import type { MeshPorts } from '../../options.ts';
import type { Log } from '../../ports.ts';

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

/** The machine's own clock, dice and timers, for tests over real sockets. */
export function systemPorts(log: Log = silent): MeshPorts {
  return {
    clock: { now: () => Date.now() },
    rng: { bytes: (length) => getRandomValues(new Uint8Array(length)) },
    timers: {
      after(ms, f) {
        const timer = setTimeout(f, ms);
        return () => clearTimeout(timer);
      },
      every(ms, f) {
        const timer = setInterval(f, ms);
        return () => clearInterval(timer);
      },
    },
    log,
  };
}

/** Looks again and again until `found` gives something; the test's own time limit ends it. */
export async function until<T>(found: () => T | null | undefined | false): Promise<T> {
  for (;;) {
    const value = found();
    if (value !== null && value !== undefined && value !== false) return value;
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  }
}
