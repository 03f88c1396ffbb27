import type { Clock, Rng, Timers } from '../ports.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
};

/** WebCrypto's generator: there in browsers, Node, Bun, Deno and workerd. */
export const systemRng: Rng = {
  bytes: (length) => crypto.getRandomValues(new Uint8Array(length)),
};

export const systemTimers: Timers = {
  after(ms, f) {
    const timer = setTimeout(f, ms);
    return () => clearTimeout(timer);
  },
};
