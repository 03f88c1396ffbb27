import { ok, type Result } from '@zerostate/shared';
import { applyChanges, type WalletChange, type WalletState } from './model.ts';
import type { WalletStore } from './store.ts';

/** What an operation wants written before it answers `value`. */
export type Decision<T> = { changes: readonly WalletChange[]; value: T };

export type Decide<T, C extends string> = (
  state: WalletState,
) => Promise<Result<Decision<T>, C>> | Result<Decision<T>, C>;

export interface Transactions {
  /**
   * Runs one operation at a time. Its changes are on disk before its value is handed out, so that
   * nothing is sent that the wallet could forget. When another process wrote in between, the
   * operation decides again on what that process left.
   */
  run<T, C extends string>(decide: Decide<T, C>): Promise<Result<T, C>>;
  /** Reads without writing. */
  read<T>(look: (state: WalletState) => T): Promise<T>;
  /**
   * The edge has a paid task's voucher. That is written with the next commit, not with one of its
   * own: a crash in between only sends the voucher once more.
   */
  delivered(task: string): Promise<void>;
  /** Tasks that are delivered, and not yet written as such. */
  deliveries(): ReadonlySet<string>;
  /** Writes what waits for a next commit. */
  flush(): Promise<void>;
}

export async function createTransactions(store: WalletStore): Promise<Transactions> {
  let state = await store.load();
  let last: Promise<unknown> = Promise.resolve();
  /** Paid tasks that are delivered, and not yet written as such. */
  const waiting = new Set<string>();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = last.then(work, work);
    // The next one waits for this one, whichever way it ends; its failure is its caller's.
    last = turn.catch(() => undefined);
    return turn;
  }

  async function refresh(): Promise<boolean> {
    if ((await store.version()) === state.version) return false;
    state = await store.load();
    return true;
  }

  /** Whether these changes, and what waited for them, are written. */
  async function commit(changes: readonly WalletChange[]): Promise<boolean> {
    const all = [...deliveries(state, waiting, changes), ...changes];
    if (!(await store.commit(state.version, all))) return false;
    applyChanges(state, all);
    waiting.clear();
    return true;
  }

  return {
    run: (decide) =>
      inTurn(async () => {
        for (;;) {
          const decided = await decide(state);
          if (!decided.ok) {
            // Refused on what may be old news: another process could have opened a channel.
            if (await refresh()) continue;
            return decided;
          }
          const { changes, value } = decided.value;
          if (changes.length === 0) return ok(value);
          if (await commit(changes)) return ok(value);
          state = await store.load();
        }
      }),
    read: (look) =>
      inTurn(async () => {
        await refresh();
        if (waiting.size === 0) return look(state);
        const written = deliveries(state, waiting, []);
        const tasks = new Map(state.tasks);
        for (const { task } of written) tasks.delete(task.task);
        return look({ ...state, tasks });
      }),
    delivered: (task) =>
      inTurn(async () => {
        waiting.add(task);
      }),
    deliveries: () => new Set(waiting),
    flush: () =>
      inTurn(async () => {
        while (deliveries(state, waiting, []).length > 0) {
          if (!(await commit([]))) state = await store.load();
        }
      }),
  };
}

/** The rows of delivered tasks as they are now, but for those that are being changed anyway. */
function deliveries(
  state: WalletState,
  waiting: ReadonlySet<string>,
  changes: readonly WalletChange[],
) {
  const changed = new Set(changes.flatMap((c) => (c.kind === 'task' ? [c.task.task] : [])));
  return [...waiting].flatMap((id) => {
    const task = state.tasks.get(id);
    if (task?.state !== 'paid' || changed.has(id)) return [];
    return [{ kind: 'task' as const, task: { ...task, delivered: true } }];
  });
}
