import type { Cancel, Timers } from './ports.ts';

/**
 * A signal that aborts after `ms`, or with the outer one. `cancel` when the work is done. A process
 * that stood still reads what came meanwhile before it says that nothing did.
 */
export function deadline(
  timers: Pick<Timers, 'after'>,
  ms: number,
  outer?: AbortSignal,
): { signal: AbortSignal; cancel: Cancel } {
  const controller = new AbortController();
  const abort = (): void => controller.abort();
  let cancelTimer = timers.after(ms, () => {
    cancelTimer = timers.after(0, abort);
  });
  if (outer?.aborted === true) abort();
  outer?.addEventListener('abort', abort, { once: true });
  return {
    signal: controller.signal,
    cancel() {
      cancelTimer();
      outer?.removeEventListener('abort', abort);
    },
  };
}

/** Resolves after `ms`, or when the signal aborts. */
export function pause(timers: Timers, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const done = (): void => {
      cancel();
      signal.removeEventListener('abort', done);
      resolve();
    };
    const cancel = timers.after(ms, done);
    signal.addEventListener('abort', done, { once: true });
  });
}
