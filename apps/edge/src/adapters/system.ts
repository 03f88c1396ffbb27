/** Time and randomness of the machine. */
import type { Clock, Rng, Timers } from '../ports.ts';

export const systemClock: Clock = { now: () => Date.now() };

export const systemRng: Rng = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

/** Timers that never keep a process alive by themselves. */
export const systemTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    release(timer);
    return () => clearTimeout(timer);
  },
  every(ms, run) {
    const timer = setInterval(run, ms);
    release(timer);
    return () => clearInterval(timer);
  },
};

function release(timer: unknown): void {
  if (typeof timer !== 'object' || timer === null || !('unref' in timer)) return;
  if (typeof timer.unref === 'function') timer.unref();
}
