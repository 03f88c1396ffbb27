import { type Client, createClient, type ResultSet } from '@libsql/client/web';
import { drizzle } from 'drizzle-orm/libsql/web';
import type { Database, Row, SqlValue, Statement } from '../ports.ts';
import { DatabaseError, isBusy, primaryCode, toDatabaseError } from './libsql-error.ts';

/** How often a write that met a busy server is sent again, and how long it waits in between. */
const BUSY_TRIES = 8;
const BUSY_WAIT_MS = 20;

/**
 * A libSQL server over HTTP (Hrana). Nothing is shared between calls: on workerd one request
 * must not wait for another's, and the server puts writers in order.
 *
 * `synchronous` is the server's to set, on its own connections.
 */
export function openHttpDatabase(options: {
  url: string;
  authToken?: string | undefined;
  fetch?: typeof fetch;
}): Database {
  const client = createClient({
    url: options.url,
    intMode: 'bigint',
    // Below zero: no queue in the client.
    concurrency: -1,
    ...(options.authToken === undefined ? {} : { authToken: options.authToken }),
    ...(options.fetch === undefined ? {} : { fetch: options.fetch }),
  });
  return {
    async batch(statements) {
      const results = await writeAgain(() => client.batch(statements.map(toClient), 'write'));
      return results.map(toRows);
    },
    async read(statement) {
      return toRows(await reading(() => client.execute(toClient(statement))));
    },
    async readMany(statements) {
      const results = await reading(() => client.batch(statements.map(toClient), 'read'));
      return results.map(toRows);
    },
    drizzle: drizzle({ client }),
    async close() {
      client.close();
    },
  };
}

async function writeAgain(write: () => ReturnType<Client['batch']>): Promise<ResultSet[]> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await write();
    } catch (error) {
      // A busy server refused to begin: nothing was written.
      if (!isBusy(error) || attempt >= BUSY_TRIES) throw afterWrite(error);
    }
    await new Promise<void>((resolve) => setTimeout(resolve, BUSY_WAIT_MS * attempt));
  }
}

/** Without an answer from SQLite nobody knows whether the commit happened. */
function afterWrite(error: unknown): unknown {
  if (primaryCode(error) !== null) return toDatabaseError(error, statementOf(error));
  const sqlite = error instanceof Error ? error.message : String(error);
  return new DatabaseError('uncertain', { sqlite, cause: error });
}

function statementOf(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('statementIndex' in error)) return null;
  return typeof error.statementIndex === 'number' ? error.statementIndex : null;
}

async function reading<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (primaryCode(error) !== null) throw toDatabaseError(error, statementOf(error));
    const sqlite = error instanceof Error ? error.message : String(error);
    throw new DatabaseError('unavailable', { sqlite, cause: error });
  }
}

function toClient({ sql, args }: Statement): { sql: string; args: SqlValue[] } {
  // A JavaScript number travels as a float; whole ones are meant as integers.
  return { sql, args: args.map((arg) => (Number.isSafeInteger(arg) ? BigInt(Number(arg)) : arg)) };
}

function toRows(result: ResultSet): Row[] {
  return result.rows.map((values) => {
    const row: Row = {};
    for (const [index, column] of result.columns.entries()) {
      const value = values[index] ?? null;
      row[column] = value instanceof ArrayBuffer ? new Uint8Array(value) : value;
    }
    return row;
  });
}
