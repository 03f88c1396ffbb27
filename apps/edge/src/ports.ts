/** What the edge needs from outside. The entry file hands in one adapter for each. */
import type { LibSQLDatabase } from 'drizzle-orm/libsql';

/** Milliseconds since the epoch. */
export interface Clock {
  now(): number;
}

/** Bytes that nobody can guess. */
export interface Rng {
  bytes(length: number): Uint8Array<ArrayBuffer>;
}

/** Ends what a timer started; harmless when it is over already. */
export type Cancel = () => void;

export interface Timers {
  after(ms: number, run: () => void): Cancel;
  every(ms: number, run: () => void): Cancel;
}

export type SqlValue = string | number | bigint | null | Uint8Array;
/** Positional arguments of `?1`, `?2` … */
export type Statement = { sql: string; args: SqlValue[] };
/** By column name. Integers arrive as bigint, blobs as Uint8Array. */
export type Row = Record<string, SqlValue>;

/** One libSQL database. Nothing in it is an interactive transaction. */
export interface Database {
  /**
   * One write transaction, all or nothing, with the rows of each statement. Throws what the
   * adapter makes of a refusal; nothing is written then.
   */
  batch(statements: readonly Statement[]): Promise<Row[][]>;
  read(statement: Statement): Promise<Row[]>;
  /** One consistent snapshot. */
  readMany(statements: readonly Statement[]): Promise<Row[][]>;
  drizzle: LibSQLDatabase;
  close(): Promise<void>;
}

/** Bytes by their hash. Who may read or keep them is decided before. */
export interface BlobStore {
  put(hash: string, bytes: Uint8Array): Promise<void>;
  /** In pieces, so that a large blob is never held twice; null when it is not here. */
  get(hash: string): Promise<ReadableStream<Uint8Array> | null>;
  delete(hash: string): Promise<void>;
}

/** One caller's wait for a change. Opened before the row is read, so that no change is missed. */
export interface Watch {
  /**
   * Resolves at a wake since the watch was opened, or after `ms`. False: this worker is stopping,
   * so that waiting on has no use.
   */
  changed(ms: number): Promise<boolean>;
  close(): void;
}

/** How any worker reaches any executor and any waiting caller. Never the only copy of anything. */
export interface Hub {
  /** There is something new in this DID's outboxes. */
  wake(did: string): void;
  /** Whoever waits for this topic (`task:<id>`, `channel:<ch>`) looks again. */
  wakeTopic(topic: string): void;
  watch(topic: string): Watch;
}

export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>;

/** One structured line an event. Never bodies, signatures or keys. */
export interface Log {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields, error?: unknown): void;
}

export type Labels = Readonly<Record<string, string>>;

/** Counters and histograms by their Prometheus names. */
export interface Metrics {
  count(name: string, labels?: Labels, by?: number): void;
  observe(name: string, value: number, labels?: Labels): void;
  gauge(name: string, value: number, labels?: Labels): void;
  /** Starts a watch; calling the result observes the seconds since. */
  time(name: string, labels?: Labels): () => void;
  /** Prometheus text format 0.0.4; null where numbers live outside of the worker. */
  render(): Promise<string | null>;
}
