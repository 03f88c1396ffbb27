import type { SqlValue } from '../ports.ts';
import {
  type BatchResult,
  decodeValue,
  encodeValue,
  type HranaBatch,
  type HranaCondition,
  type HranaError,
  type HranaRequest,
  type HranaStatement,
  type StatementResult,
} from './hrana-messages.ts';
import { waitWhileBusy } from './libsql-busy.ts';
import type { LibsqlConnection } from './libsql-connection.ts';
import { primaryCode } from './libsql-error.ts';

/** Texts that a client may store on one stream. */
const STORED_SQL_MAX = 256;
const CHANGES = /^\s*(insert|update|delete|replace|with)\b/i;
const NAMES: Readonly<Record<number, string>> = {
  1: 'SQLITE_ERROR',
  5: 'SQLITE_BUSY',
  6: 'SQLITE_LOCKED',
  7: 'SQLITE_NOMEM',
  8: 'SQLITE_READONLY',
  10: 'SQLITE_IOERR',
  13: 'SQLITE_FULL',
  14: 'SQLITE_CANTOPEN',
  19: 'SQLITE_CONSTRAINT',
};

/** A request that this protocol does not have, or that asks for something unknown. */
export class HranaFault extends Error {
  readonly code: string;
  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** One SQL stream: a connection of its own, with a transaction that may span requests. */
export class HranaStream {
  readonly connection: LibsqlConnection;
  readonly #stored = new Map<number, string>();

  constructor(connection: LibsqlConnection) {
    this.connection = connection;
  }

  /** Leaves the connection as a new stream finds it. */
  reset(): void {
    this.#stored.clear();
    if (this.connection.inTransaction) this.connection.exec('ROLLBACK');
  }

  async answer(request: HranaRequest): Promise<unknown> {
    switch (request.type) {
      case 'execute':
        return { type: 'execute', result: await this.#execute(request.stmt) };
      case 'batch':
        return { type: 'batch', result: await this.batch(request.batch) };
      case 'sequence': {
        const sql = this.#textOf(request);
        await waitWhileBusy(() => this.connection.exec(sql));
        return { type: 'sequence' };
      }
      case 'describe':
        return { type: 'describe', result: describe(this.connection, this.#textOf(request)) };
      case 'store_sql':
        this.#store(request.sql_id, request.sql);
        return { type: 'store_sql' };
      case 'close_sql':
        this.#stored.delete(request.sql_id);
        return { type: 'close_sql' };
      case 'get_autocommit':
        return { type: 'get_autocommit', is_autocommit: !this.connection.inTransaction };
      case 'close':
        return { type: 'close' };
    }
  }

  /** Each step whose condition holds; a failed step stops nothing by itself. */
  async batch({ steps }: HranaBatch): Promise<BatchResult> {
    const result: BatchResult = { step_results: [], step_errors: [] };
    for (const { condition, stmt } of steps) {
      let done: StatementResult | null = null;
      let failed: HranaError | null = null;
      if (condition === null || condition === undefined || this.#holds(condition, result)) {
        try {
          done = await this.#execute(stmt);
        } catch (error) {
          failed = toHranaError(error);
        }
      }
      result.step_results.push(done);
      result.step_errors.push(failed);
    }
    return result;
  }

  #holds(condition: HranaCondition, sofar: BatchResult): boolean {
    switch (condition.type) {
      case 'ok':
        return (sofar.step_results[condition.step] ?? null) !== null;
      case 'error':
        return (sofar.step_errors[condition.step] ?? null) !== null;
      case 'not':
        return !this.#holds(condition.cond, sofar);
      case 'and':
        return condition.conds.every((each) => this.#holds(each, sofar));
      case 'or':
        return condition.conds.some((each) => this.#holds(each, sofar));
      case 'is_autocommit':
        return !this.connection.inTransaction;
    }
  }

  async #execute(statement: HranaStatement): Promise<StatementResult> {
    const sql = this.#textOf(statement);
    return waitWhileBusy(() => run(this.connection, sql, statement));
  }

  #textOf(source: { sql?: string | null | undefined; sql_id?: number | null | undefined }): string {
    if (typeof source.sql === 'string') return source.sql;
    const stored = this.#stored.get(source.sql_id ?? -1);
    if (stored === undefined) throw new HranaFault('SQL_NOT_FOUND', 'no such stored text');
    return stored;
  }

  #store(id: number, sql: string): void {
    if (this.#stored.has(id)) throw new HranaFault('SQL_ID_USED', 'this sql_id is in use');
    if (this.#stored.size >= STORED_SQL_MAX) {
      throw new HranaFault('SQL_STORE_FULL', `at most ${STORED_SQL_MAX} stored texts`);
    }
    this.#stored.set(id, sql);
  }
}

function run(connection: LibsqlConnection, sql: string, statement: HranaStatement) {
  const { args, named_args: named } = statement;
  const table =
    named === null || named === undefined || named.length === 0
      ? connection.query({ sql, args: (args ?? []).map(decodeValue) })
      : connection.queryNamed(sql, byName(named));
  const changed = CHANGES.test(sql) ? connection.changes() : null;
  const result: StatementResult = {
    cols: connection.columnsOf(sql),
    rows: statement.want_rows === false ? [] : table.rows.map((row) => row.map(encodeValue)),
    affected_row_count: changed === null ? 0 : Number(changed.changes),
    last_insert_rowid: changed === null ? null : String(changed.lastRowid),
  };
  return result;
}

function byName(named: NonNullable<HranaStatement['named_args']>): Record<string, SqlValue> {
  const entries = named.map(({ name, value }) => [name.replace(/^[:@$]/, ''), decodeValue(value)]);
  return Object.fromEntries(entries);
}

/** Parameters and effects are read from the compiled program: EXPLAIN lists its opcodes. */
function describe(connection: LibsqlConnection, sql: string): object {
  const isExplain = /^\s*explain\b/i.test(sql);
  const program = isExplain ? [] : connection.query({ sql: `EXPLAIN ${sql}`, args: [] }).rows;
  const params = new Map<number, string | null>();
  let isReadonly = true;
  for (const [, opcode, p1, p2, , p4] of program) {
    if (opcode === 'Variable') params.set(Number(p1), typeof p4 === 'string' ? p4 : null);
    if (opcode === 'Transaction' && Number(p2) > 0) isReadonly = false;
    if (opcode === 'JournalMode' || opcode === 'Vacuum') isReadonly = false;
  }
  const count = Math.max(0, ...params.keys());
  return {
    params: Array.from({ length: count }, (_, index) => ({ name: params.get(index + 1) ?? null })),
    cols: connection.columnsOf(sql),
    is_explain: isExplain,
    is_readonly: isReadonly,
  };
}

export function toHranaError(error: unknown): HranaError {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof HranaFault) return { message, code: error.code };
  const code = primaryCode(error);
  return { message, code: (code === null ? undefined : NAMES[code]) ?? 'SQLITE_ERROR' };
}
