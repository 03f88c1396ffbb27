/** What a failed batch means for the request that wanted it. */
import { DatabaseError } from './adapters/libsql-error.ts';

/** Whether a constraint or trigger of this name refused the batch, so that nothing was written. */
export function isRefusedBy(error: unknown, name: string): boolean {
  return error instanceof DatabaseError && error.fault === 'refused' && error.sqlite.includes(name);
}

/** Whether any constraint refused the batch. */
export function isRefused(error: unknown): boolean {
  return error instanceof DatabaseError && error.fault === 'refused';
}

/** Whether the database could not be asked: the request may be tried again. */
export function isUnavailable(error: unknown): boolean {
  return (
    error instanceof DatabaseError && (error.fault === 'unavailable' || error.fault === 'uncertain')
  );
}
