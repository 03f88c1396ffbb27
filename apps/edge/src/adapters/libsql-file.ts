import type { Database, Row, Statement } from '../ports.ts';
import { waitWhileBusy } from './libsql-busy.ts';
import { LibsqlConnection, type Table } from './libsql-connection.ts';
import { drizzleOver } from './libsql-drizzle.ts';
import { DatabaseError, isRefusal, toDatabaseError } from './libsql-error.ts';

/** Requests that share one commit; more would make the first of them wait for the last. */
const GROUP_MAX = 128;

const SAVEPOINT: Statement = { sql: 'SAVEPOINT request', args: [] };
const ROLLBACK_TO: Statement = { sql: 'ROLLBACK TO request', args: [] };
const RELEASE: Statement = { sql: 'RELEASE request', args: [] };

type Waiting = {
  statements: readonly Statement[];
  resolve: (rows: Row[][]) => void;
  reject: (error: unknown) => void;
};
type Outcome = { request: Waiting; rows: Row[][] } | { request: Waiting; error: unknown };

/**
 * One embedded libSQL database: `file:<path>` or `:memory:`. One connection, so that its pragmas
 * hold for every statement, and one writer in the process.
 *
 * Batches that wait at the same moment share one commit, since the disk's flush is most of its
 * price. Each stands in a savepoint of its own: what one is refused for never touches another,
 * and none is answered before the commit is on disk.
 */
export function openFileDatabase(options: {
  url: string;
  synchronous: 'full' | 'normal';
}): Database {
  const connection = new LibsqlConnection(pathOf(options.url), options.synchronous);
  const writer = new GroupWriter(connection);
  const query = (statement: Statement) => waitWhileBusy(() => connection.query(statement));
  return {
    batch: (statements) => writer.write(statements),
    read: async (statement) => toRows(await checked(query(statement))),
    async readMany(statements) {
      const tables = await checked(waitWhileBusy(() => snapshot(connection, statements)));
      return tables.map(toRows);
    },
    drizzle: drizzleOver(query),
    async close() {
      await writer.drain();
      connection.close();
    },
  };
}

/** `file:` URLs with one or three slashes, a bare path, or ':memory:'. */
function pathOf(url: string): string {
  if (url === ':memory:' || url === 'file::memory:') return ':memory:';
  if (!url.startsWith('file:')) return url;
  const path = url.slice('file:'.length);
  return decodeURIComponent(path.startsWith('///') ? path.slice(2) : path);
}

/** Collects batches during one turn of the event loop and commits them together. */
class GroupWriter {
  readonly #connection: LibsqlConnection;
  #waiting: Waiting[] = [];
  #turn: Promise<void> | null = null;
  #closed: boolean = false;

  constructor(connection: LibsqlConnection) {
    this.#connection = connection;
  }

  write(statements: readonly Statement[]): Promise<Row[][]> {
    if (this.#closed) {
      return Promise.reject(new DatabaseError('unavailable', { sqlite: 'the database is closed' }));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ statements, resolve, reject });
      this.#turn ??= this.#commitAll();
    });
  }

  /** Waits for what was accepted; nothing is accepted afterwards. */
  async drain(): Promise<void> {
    this.#closed = true;
    await this.#turn;
  }

  async #commitAll(): Promise<void> {
    // One turn of the loop: whatever else is ready to write joins.
    await new Promise<void>((resolve) => setImmediate(resolve));
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0, GROUP_MAX);
      await this.#commit(group);
    }
    this.#turn = null;
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      const outcomes = await waitWhileBusy(() => this.#commitNow(group));
      for (const outcome of outcomes) {
        if ('rows' in outcome) outcome.request.resolve(outcome.rows);
        else outcome.request.reject(outcome.error);
      }
    } catch (error) {
      const failure = toDatabaseError(error, null);
      for (const { reject } of group) reject(failure);
    }
  }

  /**
   * One transaction without an await in it, its BEGIN included: whatever is resumed in between,
   * such as a read that begins a snapshot, would find this connection inside of the transaction.
   */
  #commitNow(group: readonly Waiting[]): Outcome[] {
    this.#connection.exec('BEGIN IMMEDIATE');
    try {
      const outcomes = this.#runGroup(group);
      this.#connection.exec('COMMIT');
      return outcomes;
    } catch (error) {
      rollBack(this.#connection);
      throw error;
    }
  }

  /** Throws when the engine fails, which ends every request of the group. */
  #runGroup(group: readonly Waiting[]): Outcome[] {
    return group.map((request) => {
      this.#connection.query(SAVEPOINT);
      const outcome = this.#runOne(request);
      if ('error' in outcome) this.#connection.query(ROLLBACK_TO);
      this.#connection.query(RELEASE);
      return outcome;
    });
  }

  #runOne(request: Waiting): Outcome {
    const rows: Row[][] = [];
    for (const [index, statement] of request.statements.entries()) {
      try {
        rows.push(toRows(this.#connection.query(statement)));
      } catch (error) {
        const known = toDatabaseError(error, index);
        // A refusal or a wrong statement is this request's own; a failing disk is everybody's.
        const own =
          isRefusal(error) || (known instanceof DatabaseError && known.fault === 'invalid');
        if (!own || !this.#connection.inTransaction) throw error;
        return { request, error: known };
      }
    }
    return { request, rows };
  }
}

function rollBack(connection: LibsqlConnection): void {
  // After some failures (disk full) SQLite has rolled back by itself.
  if (connection.inTransaction) connection.exec('ROLLBACK');
}

function snapshot(connection: LibsqlConnection, statements: readonly Statement[]): Table[] {
  connection.exec('BEGIN');
  try {
    return statements.map((statement) => connection.query(statement));
  } finally {
    connection.exec('ROLLBACK');
  }
}

async function checked<T>(reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    throw toDatabaseError(error, null);
  }
}

function toRows({ columns, rows }: Table): Row[] {
  return rows.map((values) => {
    const row: Row = {};
    for (const [index, column] of columns.entries()) row[column] = values[index] ?? null;
    return row;
  });
}
