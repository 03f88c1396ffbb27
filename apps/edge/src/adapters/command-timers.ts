import type { Timers } from '../ports.ts';

/** Timers that keep a process alive: a command is over when its work is, not while it pauses. */
export const commandTimers: Timers = {
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
  every(ms, run) {
    const timer = setInterval(run, ms);
    return () => clearInterval(timer);
  },
};
