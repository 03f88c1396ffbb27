import type { Database } from '../state/database.ts';

export type CrashPoint = {
  /** Which write of this life, from 1. */
  write: number;
  /** Just before it is committed, or just after. */
  when: 'before' | 'after';
};

/**
 * A database whose process dies at one write: that write and all later ones are never answered,
 * and `crashed` is called. Without a point it only counts.
 */
export function crashingDatabase(
  inner: Database,
  point: CrashPoint | null,
  crashed: () => void,
): Database & { writes: number } {
  let isDead = false;
  const never = new Promise<void>(() => undefined);
  const database = {
    writes: 0,
    db: inner.db,
    executeScript: inner.executeScript,
    close: inner.close,
    async write(statements: Parameters<Database['write']>[0]): Promise<void> {
      if (isDead) return never;
      database.writes += 1;
      if (point === null || database.writes !== point.write) return inner.write(statements);
      isDead = true;
      if (point.when === 'after') await inner.write(statements);
      crashed();
      return never;
    },
  };
  return database;
}
