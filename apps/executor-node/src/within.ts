import type { Timers } from './ports.ts';

/** Waits for `work`, at most `ms`. */
export async function within(timers: Timers, ms: number, work: Promise<unknown>): Promise<void> {
  await new Promise<void>((resolve) => {
    const cancel = timers.after(ms, resolve);
    const end = (): void => {
      cancel();
      resolve();
    };
    work.then(end, end);
  });
}
