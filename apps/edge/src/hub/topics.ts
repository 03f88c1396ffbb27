/** Callers that wait in this process. */
import type { Timers, Watch } from '../ports.ts';

export interface Topics {
  wake(topic: string): void;
  /** Everybody answers now, and nobody waits any more: the worker is stopping. */
  stop(): void;
  watch(topic: string): Watch;
}

type Waiter = { isWoken: boolean; resolve: (() => void) | null };

export function createTopics(timers: Timers): Topics {
  const waiters = new Map<string, Set<Waiter>>();
  let isStopping = false;
  return {
    wake(topic) {
      for (const waiter of waiters.get(topic) ?? []) wake(waiter);
    },
    stop() {
      isStopping = true;
      for (const set of waiters.values()) for (const waiter of set) wake(waiter);
    },
    watch(topic) {
      const waiter: Waiter = { isWoken: false, resolve: null };
      const set = waiters.get(topic) ?? new Set();
      waiters.set(topic, set.add(waiter));
      return {
        async changed(ms) {
          if (!isStopping) await changed(timers, waiter, ms);
          return !isStopping;
        },
        close() {
          set.delete(waiter);
          if (set.size === 0 && waiters.get(topic) === set) waiters.delete(topic);
        },
      };
    },
  };
}

function wake(waiter: Waiter): void {
  waiter.isWoken = true;
  waiter.resolve?.();
}

async function changed(timers: Timers, waiter: Waiter, ms: number): Promise<void> {
  if (!waiter.isWoken) {
    await new Promise<void>((resolve) => {
      const cancel = timers.after(ms, resolve);
      waiter.resolve = () => {
        cancel();
        resolve();
      };
    });
  }
  waiter.isWoken = false;
  waiter.resolve = null;
}
