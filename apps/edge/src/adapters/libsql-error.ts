/**
 * Why a database did not do what it was asked.
 *
 * `refused`: a constraint or trigger said no; the batch had no effect and would be refused again.
 * `unavailable`: busy for too long, disk full, input or output failed, or out of reach; the batch
 * had no effect unless `uncertain`, where a commit was sent and its answer was lost.
 * `invalid`: the statement is wrong, which is a bug.
 */
export type DatabaseFault = 'refused' | 'unavailable' | 'uncertain' | 'invalid';

export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  readonly fault: DatabaseFault;
  /** SQLite's message, or the text of the trigger that refused. */
  readonly sqlite: string;
  /** Which statement of the batch it was, from 0; null where none was reached. */
  readonly statement: number | null;

  constructor(
    fault: DatabaseFault,
    about: { sqlite: string; statement?: number | null; cause?: unknown },
  ) {
    super(`${fault}: ${about.sqlite}`, { cause: about.cause });
    this.fault = fault;
    this.sqlite = about.sqlite;
    this.statement = about.statement ?? null;
  }
}

/** SQLite's primary result codes, which are the low byte of its extended ones. */
const REFUSED = new Set([19]);
const BUSY = new Set([5, 6]);
// BUSY, LOCKED, NOMEM, READONLY, INTERRUPT, IOERR, FULL, CANTOPEN, PROTOCOL
const UNAVAILABLE = new Set([5, 6, 7, 8, 9, 10, 13, 14, 15]);
/** What a remote server sends is the name alone. */
const NAMES: ReadonlyMap<string, number> = new Map([
  ['SQLITE_CONSTRAINT', 19],
  ['SQLITE_BUSY', 5],
  ['SQLITE_LOCKED', 6],
  ['SQLITE_NOMEM', 7],
  ['SQLITE_READONLY', 8],
  ['SQLITE_INTERRUPT', 9],
  ['SQLITE_IOERR', 10],
  ['SQLITE_FULL', 13],
  ['SQLITE_CANTOPEN', 14],
  ['SQLITE_PROTOCOL', 15],
  ['SQLITE_ERROR', 1],
]);

/** Sorts an error by SQLite's code. Other errors are bugs and stay what they are. */
export function toDatabaseError(error: unknown, statement: number | null): unknown {
  const code = primaryCode(error);
  if (code === null || !(error instanceof Error)) return error;
  const fault = REFUSED.has(code) ? 'refused' : UNAVAILABLE.has(code) ? 'unavailable' : 'invalid';
  return new DatabaseError(fault, { sqlite: error.message, statement, cause: error });
}

/** Whether another connection holds the lock that is needed. */
export function isBusy(error: unknown): boolean {
  return BUSY.has(primaryCode(error) ?? -1);
}

/** Whether a constraint or trigger refused. */
export function isRefusal(error: unknown): boolean {
  return REFUSED.has(primaryCode(error) ?? -1);
}

/** SQLite's primary result code of an error of either client; null for any other error. */
export function primaryCode(error: unknown): number | null {
  if (typeof error !== 'object' || error === null) return null;
  if ('rawCode' in error && typeof error.rawCode === 'number') return error.rawCode & 0xff;
  if (!('code' in error) || typeof error.code !== 'string') return null;
  const name = /^SQLITE_[A-Z]+/.exec(error.code)?.[0];
  return name === undefined ? null : (NAMES.get(name) ?? 1);
}
