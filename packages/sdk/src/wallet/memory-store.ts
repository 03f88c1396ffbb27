import { applyChanges, type WalletState, type WalletTask } from './model.ts';
import type { WalletOwner, WalletStore } from './store.ts';

/** A wallet that lasts as long as its process or page. Close its channels before it goes. */
export function createMemoryStore(): WalletStore {
  let bound: WalletOwner | null = null;
  const state: WalletState = {
    version: 0,
    channels: new Map(),
    tasks: new Map(),
    days: new Map(),
  };
  const all = new Map<string, WalletTask>();
  return {
    async bind(owner) {
      bound ??= owner;
      if (bound.did !== owner.did) return 'wallet-of-another-identity';
      return bound.network === owner.network ? null : 'wallet-of-another-network';
    },
    async load() {
      return {
        version: state.version,
        channels: new Map(state.channels),
        tasks: new Map(state.tasks),
        days: new Map(state.days),
      };
    },
    async version() {
      return state.version;
    },
    async commit(version, changes) {
      if (version !== state.version) return false;
      applyChanges(state, changes);
      for (const change of changes) {
        if (change.kind === 'task') all.set(change.task.task, change.task);
      }
      return true;
    },
    async task(id) {
      return all.get(id) ?? null;
    },
    async tasks(limit) {
      return [...all.values()].sort((x, y) => y.at - x.at).slice(0, limit);
    },
    async close() {},
  };
}
