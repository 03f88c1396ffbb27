import type { Database } from '../ports.ts';
import { openFileDatabase } from './libsql-file.ts';
import { openHttpDatabase } from './libsql-http.ts';

/**
 * A libSQL database by its URL: `file:<path>` or `:memory:` embedded, `http(s):` or `libsql:` on
 * a server. It carries the native library: workerd imports `libsql-http.ts` instead.
 */
export function openDatabase(options: {
  url: string;
  authToken?: string | undefined;
  /** `full` for the ledger: a commit is on disk before it is answered. Embedded databases only. */
  synchronous: 'full' | 'normal';
}): Database {
  return /^(https?|libsql):/.test(options.url)
    ? openHttpDatabase(options)
    : openFileDatabase(options);
}
