import { err, ok } from '@zerostate/shared';
import { DatabaseError } from '../adapters/libsql-error.ts';
import type { Row, Statement } from '../ports.ts';
import type { LedgerCode, LedgerResult } from './codes.ts';
import type { LedgerPorts } from './ports.ts';

/** What an operation writes, as decided from what it read. */
export type Plan<T> = {
  /** One guarded batch; nothing is written when there is none. */
  statements: readonly Statement[];
  answer: (rows: readonly Row[][]) => T;
  /** Who looks again once it is written. */
  wake?: { dids: readonly string[]; channels: readonly string[] };
};

/** Every lost race changes what is read next; more than this means a very busy row. */
const TRIES = 5;

/**
 * Decides from what is read, writes one batch, and decides again when the schema refused it: then
 * somebody else was faster, and the new state says precisely why this operation is out of place.
 */
export async function operate<T>(
  ports: LedgerPorts,
  decide: () => Promise<LedgerResult<Plan<T>>>,
): Promise<LedgerResult<T>> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    const decided = await readFrom(decide);
    if (!decided.ok) return decided;
    const { statements, answer, wake } = decided.value;
    if (statements.length === 0) return ok(answer([]));
    const written = await write(ports, statements);
    if (written.ok) {
      for (const did of wake?.dids ?? []) ports.hub.wake(did);
      for (const ch of wake?.channels ?? []) ports.hub.wakeTopic(`channel:${ch}`);
      return ok(answer(written.value));
    }
    if (written.code !== 'lost') return err(written.code);
  }
  return err('busy');
}

/** Runs reads; a database that does not answer is an expected failure. */
export async function readFrom<T>(read: () => Promise<LedgerResult<T>>): Promise<LedgerResult<T>> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof DatabaseError && error.fault === 'unavailable') {
      return err('storage-unavailable');
    }
    throw error;
  }
}

type Written = { ok: true; value: Row[][] } | { ok: false; code: LedgerCode | 'lost' };

async function write(ports: LedgerPorts, statements: readonly Statement[]): Promise<Written> {
  try {
    return ok(await ports.database.batch(statements));
  } catch (error) {
    if (!(error instanceof DatabaseError) || error.fault === 'invalid') throw error;
    if (error.fault !== 'refused') return err('storage-unavailable');
    // The route finds the stored answer under this key, or another request's.
    if (error.sqlite.includes('idempotency key used')) return err('idempotency-mismatch');
    return err('lost');
  }
}

/** The JSON text that `answerFrom` selected last. */
export function lastJson(rows: readonly Row[][]): string {
  const json = rows.at(-1)?.[0]?.json;
  if (typeof json !== 'string') throw new Error('the batch ended without its answer');
  return json;
}
