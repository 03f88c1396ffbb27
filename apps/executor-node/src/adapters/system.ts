import { getRandomValues } from 'node:crypto';
import type { Clock, Rng, Timers } from '../ports.ts';

export const systemClock: Clock = { now: () => Date.now() };

export const systemRng: Rng = { bytes: (length) => getRandomValues(new Uint8Array(length)) };

export const systemTimers: Timers = {
  after(ms, f) {
    const timer = setTimeout(f, ms);
    return () => clearTimeout(timer);
  },
  every(ms, f) {
    const timer = setInterval(f, ms);
    return () => clearInterval(timer);
  },
};
