import type { Client, Row as ClientRow, InStatement, ResultSet } from '@libsql/client';
import { drizzle } from 'drizzle-orm/libsql/web';
import type { Database, SqlValue, Statement } from '../ports.ts';
import type { Table } from './libsql-connection.ts';
import { DatabaseError } from './libsql-error.ts';

/** Drizzle's query builder over one embedded connection: it reads, and writes go by `batch`. */
export function drizzleOver(query: (statement: Statement) => Promise<Table>): Database['drizzle'] {
  const client: Client = {
    protocol: 'file',
    closed: false,
    async execute(statement: InStatement | string): Promise<ResultSet> {
      const read = toStatement(statement);
      if (!/^\s*(select|with)\b/i.test(read.sql)) throw notHere('a write outside of batch()');
      return toResultSet(await query(read));
    },
    batch: () => Promise.reject(notHere('client.batch()')),
    migrate: () => Promise.reject(notHere('client.migrate()')),
    transaction: () => Promise.reject(notHere('an interactive transaction')),
    executeMultiple: () => Promise.reject(notHere('client.executeMultiple()')),
    sync: () => Promise.reject(notHere('client.sync()')),
    reconnect() {},
    close() {},
  };
  return drizzle({ client });
}

function notHere(what: string): DatabaseError {
  return new DatabaseError('invalid', { sqlite: `${what}: everything writes through batch()` });
}

function toStatement(statement: InStatement): Statement {
  if (typeof statement === 'string') return { sql: statement, args: [] };
  const { args } = statement;
  if (args !== undefined && !Array.isArray(args)) throw notHere('named arguments');
  return { sql: statement.sql, args: (args ?? []).map(toSqlValue) };
}

function toSqlValue(value: unknown): SqlValue {
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  if (
    value === null ||
    typeof value === 'string' ||
    typeof value === 'number' ||
    typeof value === 'bigint' ||
    value instanceof Uint8Array
  ) {
    return value;
  }
  throw notHere(`an argument of type ${typeof value}`);
}

function toResultSet({ columns, rows }: Table): ResultSet {
  const names = [...columns];
  return {
    columns: names,
    columnTypes: names.map(() => ''),
    rows: rows.map((values) => toClientRow(names, values)),
    rowsAffected: 0,
    lastInsertRowid: undefined,
    toJSON: () => ({ columns: names, rows }),
  };
}

/** The client's rows answer to index and name; drizzle slices them by `length`. */
function toClientRow(columns: readonly string[], values: readonly SqlValue[]): ClientRow {
  const row: ClientRow = Object.create(Object.prototype, { length: { value: values.length } });
  for (const [index, value] of values.entries()) {
    const held = value instanceof Uint8Array ? new Uint8Array(value).buffer : value;
    Object.defineProperty(row, index, { value: held });
    row[columns[index] ?? index] = held;
  }
  return row;
}
