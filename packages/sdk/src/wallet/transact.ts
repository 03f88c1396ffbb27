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
}

export async function createTransactions(store: WalletStore): Promise<Transactions> {
  let state = await store.load();
  let last: Promise<unknown> = Promise.resolve();

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
          if (await store.commit(state.version, changes)) {
            applyChanges(state, changes);
            return ok(value);
          }
          state = await store.load();
        }
      }),
    read: (look) =>
      inTurn(async () => {
        await refresh();
        return look(state);
      }),
  };
}
