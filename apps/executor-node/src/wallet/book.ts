import type { Budget } from '@zerostate/shared';
import type { Database, Statement } from '../state/database.ts';
import { budgetChanges, type CondEnd, type Mirror } from './mirror.ts';
import { loadMirrors } from './store.ts';

/**
 * The channels in memory. Decisions are made here at once, in the order of events; the database
 * commits what follows from them in the same order, and nobody is told before it has. A write
 * that fails stops the node, so memory is never ahead of the disk for long.
 */
export class Book {
  readonly #database: Database;
  readonly #mirrors = new Map<string, Mirror>();
  readonly #watchers = new Set<() => void>();

  constructor(database: Database) {
    this.#database = database;
  }

  async load(): Promise<void> {
    for (const mirror of await loadMirrors(this.#database)) this.put(mirror);
  }

  get(ch: string): Mirror | null {
    return this.#mirrors.get(ch) ?? null;
  }

  all(): Mirror[] {
    return [...this.#mirrors.values()];
  }

  /** Takes up a channel; its row is the caller's to write. */
  put(mirror: Mirror): void {
    this.#mirrors.set(mirror.budget.terms.id, mirror);
  }

  /** Changes a channel in memory and returns the statements that put it on disk. */
  change(mirror: Mirror, budget: Budget, ended: CondEnd = 'settled'): Statement[] {
    const statements = budgetChanges(mirror.budget, budget, ended);
    const next = { ...mirror, budget };
    if (budget.phase === 'closed') this.#mirrors.delete(budget.terms.id);
    else this.put(next);
    for (const watcher of [...this.#watchers]) watcher();
    return statements;
  }

  /** Calls back after every change, until the returned function is called. */
  watch(changed: () => void): () => void {
    this.#watchers.add(changed);
    return () => this.#watchers.delete(changed);
  }
}
