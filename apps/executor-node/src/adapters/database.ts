import type { Client, InValue } from '@libsql/client';
import { openFileClient } from '@zerostate/sdk/node';
import { drizzle } from 'drizzle-orm/libsql';
import type { Database, Statement } from '../state/database.ts';

/** As long as another process may hold the file before a statement fails. */
const BUSY_MS_MAX = 5_000;

/** A wait for the next commit: its statements and who waits. */
type Pending = {
  statements: readonly Statement[];
  done: () => void;
  failed: (cause: unknown) => void;
};

/**
 * The node's libSQL file. One connection, so that its settings hold for every statement: WAL and
 * `synchronous = FULL`, one fdatasync a commit.
 *
 * Writes commit in the order in which they were asked for. Those asked for while a commit runs
 * share the next one; if that fails, each is tried alone, so that one refusal is nobody else's.
 */
export async function openDatabase(url: string): Promise<Database> {
  const client = openFileClient({
    path: url.replace(/^file:/, ''),
    intMode: 'number',
    busyMsMax: BUSY_MS_MAX,
  });
  try {
    await client.execute('PRAGMA journal_mode = WAL');
    await client.execute('PRAGMA synchronous = FULL');
    await client.execute('PRAGMA foreign_keys = ON');
  } catch (cause) {
    client.close();
    throw cause;
  }
  const writer = createWriter(client);
  return {
    db: drizzle(client),
    write: writer.write,
    executeScript: (sql) => client.executeMultiple(sql),
    async close() {
      await writer.idle();
      client.close();
    },
  };
}

function createWriter(client: Client) {
  let queue: Pending[] = [];
  let running: Promise<void> | null = null;

  async function drain(): Promise<void> {
    while (queue.length > 0) {
      // The next turn of the event loop: what arrived together commits together.
      await new Promise<void>((resolve) => setImmediate(resolve));
      const batch = queue;
      queue = [];
      if (!(await tryCommit(client, batch)))
        for (const one of batch) await commitAlone(client, one);
    }
    running = null;
  }

  return {
    write(statements: readonly Statement[]): Promise<void> {
      if (statements.length === 0) return Promise.resolve();
      return new Promise((done, failed) => {
        queue.push({ statements, done, failed });
        running ??= drain();
      });
    },
    async idle(): Promise<void> {
      while (running !== null) await running;
    },
  };
}

/** Whether all of them were committed at once; a lone one is left to `commitAlone`. */
async function tryCommit(client: Client, batch: readonly Pending[]): Promise<boolean> {
  if (batch.length === 1) return false;
  try {
    await client.batch(
      batch.flatMap((one) => one.statements.map(bound)),
      'write',
    );
  } catch {
    return false;
  }
  for (const one of batch) one.done();
  return true;
}

async function commitAlone(client: Client, one: Pending): Promise<void> {
  try {
    await client.batch(one.statements.map(bound), 'write');
    one.done();
  } catch (cause) {
    one.failed(cause);
  }
}

function bound(statement: Statement): { sql: string; args: InValue[] } {
  return { sql: statement.sql, args: [...statement.args] };
}
