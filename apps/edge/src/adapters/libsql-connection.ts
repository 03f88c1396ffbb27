import { Buffer } from 'node:buffer';
import Libsql from 'libsql';
import type { SqlValue, Statement } from '../ports.ts';

/** Column names and rows as the engine gives them: integers as bigint, blobs as Uint8Array. */
export type Table = { columns: readonly string[]; rows: SqlValue[][] };

export type ColumnType = { name: string; decltype: string | null };
type Prepared = {
  reader: boolean;
  columns: string[];
  types: ColumnType[];
  all: AllRows;
  run: RunStatement;
};
type Bound = readonly unknown[] | Readonly<Record<string, unknown>>;
type AllRows = (args: Bound) => unknown[];
type RunStatement = (args: Bound) => void;

/** Compiled statements kept: compiling one with all its triggers costs more than running it. */
const STATEMENTS_MAX = 512;
/** Blocking wait for a lock; longer waits are retried without blocking the event loop. */
const BLOCK_MS = 1;

/** One connection of the embedded library, its calls synchronous. */
export class LibsqlConnection {
  readonly #db: Libsql.Database;
  readonly #statements = new Map<string, Prepared>();

  /** `path` is a file name or ':memory:'. */
  constructor(path: string, synchronous: 'full' | 'normal') {
    this.#db = new Libsql(path, { timeout: BLOCK_MS });
    this.#db.exec('PRAGMA foreign_keys = ON');
    if (path !== ':memory:') this.#db.exec('PRAGMA journal_mode = WAL');
    this.#db.exec(`PRAGMA synchronous = ${synchronous === 'full' ? 'FULL' : 'NORMAL'}`);
  }

  get inTransaction(): boolean {
    return this.#db.inTransaction;
  }

  /** Runs text of one or more statements without arguments. */
  exec(sql: string): void {
    this.#db.exec(sql);
  }

  /** Runs one statement. A statement that gives no rows has no columns. */
  query({ sql, args }: Statement): Table {
    return this.#run(sql, args.map(toEngine));
  }

  /** As `query`, with arguments by name, without the `:`, `@` or `$`. */
  queryNamed(sql: string, named: Readonly<Record<string, SqlValue>>): Table {
    const entries = Object.entries(named).map(([name, value]) => [name, toEngine(value)]);
    return this.#run(sql, Object.fromEntries(entries));
  }

  #run(sql: string, args: Bound): Table {
    const prepared = this.#prepare(sql);
    if (!prepared.reader) {
      prepared.run(args);
      return { columns: [], rows: [] };
    }
    return { columns: prepared.columns, rows: prepared.all(args).map(toValues) };
  }

  /** Rows that the last statement changed, triggers not counted, and the last rowid. */
  changes(): { changes: bigint; lastRowid: bigint } {
    const { rows } = this.query({ sql: 'SELECT changes(), last_insert_rowid()', args: [] });
    const [changes, lastRowid] = rows[0] ?? [];
    return {
      changes: BigInt(changes?.toString() ?? 0),
      lastRowid: BigInt(lastRowid?.toString() ?? 0),
    };
  }

  /** The columns a statement gives, with their declared types; none if it gives no rows. */
  columnsOf(sql: string): readonly ColumnType[] {
    return this.#prepare(sql).types;
  }

  close(): void {
    this.#statements.clear();
    if (this.#db.open) this.#db.close();
  }

  #prepare(sql: string): Prepared {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql).safeIntegers(true);
    const { reader } = statement;
    if (reader) statement.raw(true);
    const types = reader
      ? statement.columns().map(({ name, type }) => ({ name, decltype: type ?? null }))
      : [];
    const columns = types.map(({ name }) => name);
    const prepared: Prepared = {
      reader,
      columns,
      types,
      all: (args) => statement.all(args),
      run(args) {
        statement.run(args);
      },
    };
    // Schemas change while nothing runs (migrations); SQLite compiles again by itself, but the
    // column names of `SELECT *` would be stale: this project names its columns.
    if (this.#statements.size >= STATEMENTS_MAX) {
      const oldest = this.#statements.keys().next();
      if (!oldest.done) this.#statements.delete(oldest.value);
    }
    this.#statements.set(sql, prepared);
    return prepared;
  }
}

/** JavaScript numbers bind as REAL, which turns `?1 / 2` and LIMIT into other things. */
function toEngine(value: SqlValue): unknown {
  if (typeof value === 'number' && Number.isSafeInteger(value)) return BigInt(value);
  return value instanceof Uint8Array ? Buffer.from(value) : value;
}

function toValues(row: unknown): SqlValue[] {
  if (!Array.isArray(row)) throw new TypeError('the engine gave a row that is not an array');
  return row.map(toValue);
}

function toValue(value: unknown): SqlValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'bigint' || typeof value === 'string' || typeof value === 'number') {
    return value;
  }
  if (value instanceof Uint8Array) return new Uint8Array(value);
  throw new TypeError(`the engine gave a ${typeof value}`);
}
