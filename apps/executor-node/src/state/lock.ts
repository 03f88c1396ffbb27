import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createClient } from '@libsql/client';
import { err, ok, type Result } from '@zerostate/shared';
import { z } from 'zod';

/** Who holds a state folder, and where its control socket listens. */
const holderSchema = z.object({
  pid: z.number().int(),
  control: z.string().nullable(),
});
export type Holder = z.infer<typeof holderSchema>;

export interface StateLock {
  /** Tells other processes where the holder can be asked. */
  announce(control: string): Promise<void>;
  release(): Promise<void>;
}

const lockPath = (folder: string): string => join(folder, 'lock');
const holderPath = (folder: string): string => join(folder, 'holder.json');

/**
 * Takes a state folder for this process alone.
 *
 * The lock is an exclusive transaction on an empty SQLite file, which is a lock of the operating
 * system: it falls with its process, kill -9 included, so a stale one cannot exist and no two
 * nodes can race for it. `holder.json` beside it only says who holds it.
 */
export async function lockState(
  folder: string,
  pid: number,
): Promise<Result<StateLock, 'state-locked'>> {
  const client = createClient({ url: `file:${lockPath(folder)}`, timeout: 0, concurrency: 1 });
  let held: Awaited<ReturnType<typeof client.transaction>>;
  try {
    await client.execute('PRAGMA locking_mode = EXCLUSIVE');
    held = await client.transaction('write');
    // A first write takes the file from a reserved to an exclusive lock when it is committed.
    await held.execute('CREATE TABLE IF NOT EXISTS lock (pid INTEGER)');
    await held.commit();
  } catch (cause) {
    client.close();
    if (!(cause instanceof Error) || !/SQLITE_BUSY|locked/.test(cause.message)) throw cause;
    const holder = await readHolder(folder);
    const who = holder === null ? 'another process' : `process ${holder.pid}`;
    return err('state-locked', `${folder} is in use by ${who}: stop it, or use another --state`);
  }
  await writeHolder(folder, { pid, control: null });
  return ok({
    announce: (control) => writeHolder(folder, { pid, control }),
    async release() {
      await rm(holderPath(folder), { force: true });
      // Closing alone lets go of the lock only once the driver's statements are collected; leaving
      // the exclusive mode does it with the next statement.
      await client.execute('PRAGMA locking_mode = NORMAL');
      await client.execute('SELECT count(*) FROM lock');
      client.close();
    },
  });
}

/** Who said last that it holds the folder; the lock alone says whether it still does. */
export async function readHolder(folder: string): Promise<Holder | null> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(holderPath(folder), 'utf8')));
  } catch {
    return null;
  }
}

function writeHolder(folder: string, holder: Holder): Promise<void> {
  return writeFile(holderPath(folder), `${JSON.stringify(holder)}\n`, { mode: 0o600 });
}
