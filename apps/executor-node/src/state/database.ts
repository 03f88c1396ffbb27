import type { LibSQLDatabase } from 'drizzle-orm/libsql';

export type SqlValue = string | number | bigint | Uint8Array | null;

/** One statement and its arguments. */
export type Statement = { sql: string; args: readonly SqlValue[] };

/** The node's own database. */
export interface Database {
  /** Reads, typed by state/tables.ts. */
  readonly db: LibSQLDatabase;
  /**
   * One transaction, all or nothing, on disk when it resolves. Commits follow the order of the
   * calls. Rejects with the database's error: a full disk, or a constraint that caught a bug.
   */
  write(statements: readonly Statement[]): Promise<void>;
  /** Several statements without arguments: a migration. */
  executeScript(sql: string): Promise<void>;
  /** Waits for the writes that were asked for. */
  close(): Promise<void>;
}

/** A statement by its text and arguments. */
export function sql(text: string, ...args: SqlValue[]): Statement {
  return { sql: text, args };
}
