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

/** Far beyond what anything here takes on a busy machine, well within a test's own time limit. */
const UNTIL_MS = 120_000;

/**
 * Looks again and again until `found` gives something. What never comes fails with its name and
 * with what `seen` says at the end, for whoever reads the failure on another machine.
 */
export async function until<T>(
  found: () => T | null | undefined | false,
  seen?: () => unknown,
): Promise<T> {
  const end = performance.now() + UNTIL_MS;
  for (;;) {
    const value = found();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) {
      const state = seen === undefined ? '' : `: ${JSON.stringify(seen())}`;
      throw new Error(`waited ${UNTIL_MS} ms for ${String(found)}${state}`);
    }
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  }
}

/** As `until`, for what has to be asked. */
export async function eventually<T>(
  found: () => Promise<T | null | undefined | false>,
): Promise<T> {
  const end = performance.now() + UNTIL_MS;
  for (;;) {
    const value = await found();
    if (value !== null && value !== undefined && value !== false) return value;
    if (performance.now() > end) throw new Error(`waited ${UNTIL_MS} ms for ${String(found)}`);
    await new Promise<void>((resolve) => setTimeout(resolve, 10));
  }
}
