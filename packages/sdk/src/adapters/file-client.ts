import { Buffer } from 'node:buffer';
import type { Client, InStatement, ResultSet, Row, Value } from '@libsql/client';
import Libsql from 'libsql';

export interface FileClientOptions {
  /** A file name, or ':memory:'. */
  path: string;
  /** What integers are read as; `number` throws for one that a number does not hold. */
  intMode: 'number' | 'bigint';
  /** How long a statement waits for another process, ms. */
  busyMsMax: number;
}

/** Compiled statements kept: compiling one with its triggers costs more than running it. */
const STATEMENTS_MAX = 256;

type Prepared = { statement: Libsql.Statement; columns: string[] | null };

/**
 * One connection to an embedded libSQL file behind the interface of `@libsql/client`, for what has
 * one writer and repeats itself: it keeps its statements compiled. There are no interactive
 * transactions; a batch is all or nothing. Rejects with the engine's error.
 */
export function openFileClient(options: FileClientOptions): Client {
  const { path, intMode, busyMsMax } = options;
  const database = new Libsql(path, { timeout: busyMsMax });
  const statements = new Map<string, Prepared>();

  function prepare(sql: string): Prepared {
    const known = statements.get(sql);
    if (known !== undefined) return known;
    const statement = database.prepare(sql).safeIntegers(true);
    const columns = statement.reader ? statement.columns().map(({ name }) => name) : null;
    if (columns !== null) statement.raw(true);
    const prepared = { statement, columns };
    const oldest = statements.keys().next();
    if (statements.size >= STATEMENTS_MAX && !oldest.done) statements.delete(oldest.value);
    statements.set(sql, prepared);
    return prepared;
  }

  function run(stated: InStatement): ResultSet {
    const { sql, args = [] } = typeof stated === 'string' ? { sql: stated } : stated;
    if (!Array.isArray(args)) throw new TypeError('arguments are given by position');
    const { statement, columns } = prepare(sql);
    const bound = args.map(toEngine);
    if (columns === null) return resultOf([], [], statement.run(bound).changes);
    const rows = statement.all(bound).map((row) => toRow(columns, row, intMode));
    return resultOf(columns, rows, 0);
  }

  return {
    protocol: 'file',
    closed: false,
    execute: async (stated: InStatement | string) => run(stated),
    async batch(stated, mode = 'deferred') {
      database.exec(mode === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN');
      try {
        const results = stated.map((one) =>
          run(Array.isArray(one) ? { sql: one[0], args: one[1] ?? [] } : one),
        );
        database.exec('COMMIT');
        return results;
      } catch (error) {
        // After some failures (disk full) SQLite has rolled back by itself.
        if (database.inTransaction) database.exec('ROLLBACK');
        throw error;
      }
    },
    async executeMultiple(sql) {
      database.exec(sql);
      // The columns of `SELECT *` may be others now.
      statements.clear();
    },
    close() {
      statements.clear();
      if (database.open) database.close();
    },
    migrate: () => Promise.reject(notHere('migrate')),
    transaction: () => Promise.reject(notHere('transaction')),
    sync: () => Promise.reject(notHere('sync')),
    reconnect: () => {
      throw notHere('reconnect');
    },
  };
}

function notHere(what: string): Error {
  return new Error(`${what} is not for a file with one writer`);
}

function toEngine(value: unknown): unknown {
  if (value === undefined) throw new TypeError('an argument is missing');
  if (typeof value === 'boolean') return value ? 1n : 0n;
  if (value instanceof ArrayBuffer) return Buffer.from(value);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

/** Values by index and by name; drizzle slices rows by their `length`. */
function toRow(columns: readonly string[], values: unknown, intMode: 'number' | 'bigint'): Row {
  if (!Array.isArray(values)) throw new TypeError('the engine gave a row that is not an array');
  const row: Row = Object.create(Object.prototype, { length: { value: values.length } });
  for (const [index, held] of values.entries()) {
    const value = toValue(held, intMode);
    Object.defineProperty(row, index, { value });
    row[columns[index] ?? index] = value;
  }
  return row;
}

function toValue(value: unknown, intMode: 'number' | 'bigint'): Value {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'bigint') {
    if (intMode === 'bigint') return value;
    const number = Number(value);
    if (!Number.isSafeInteger(number)) throw new RangeError(`${value} is too large for a number`);
    return number;
  }
  if (value instanceof Uint8Array) return new Uint8Array(value).buffer;
  throw new TypeError(`the engine gave a ${typeof value}`);
}

function resultOf(columns: string[], rows: Row[], rowsAffected: number): ResultSet {
  return {
    columns,
    columnTypes: columns.map(() => ''),
    rows,
    rowsAffected,
    lastInsertRowid: undefined,
    toJSON: () => ({ columns, rows, rowsAffected }),
  };
}
