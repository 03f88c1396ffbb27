import { isBusy } from './libsql-error.ts';

/** How long a lock of another connection is waited for. */
const BUSY_MS_MAX = 5_000;
const DELAY_MS_MAX = 50;

/** Blocking here would also stop the request that holds the lock, if it lives in this process. */
export async function waitWhileBusy<T>(run: () => T): Promise<T> {
  const until = Date.now() + BUSY_MS_MAX;
  for (let delayMs = 1; ; delayMs = Math.min(delayMs * 2, DELAY_MS_MAX)) {
    try {
      return run();
    } catch (error) {
      if (!isBusy(error) || Date.now() > until) throw error;
    }
    await new Promise<void>((resolve) => setTimeout(resolve, delayMs));
  }
}
