import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createNativeSigner } from '@zerostate/sdk/node';
import { err, ok, type Result, type Signer } from '@zerostate/shared';
import type { Clock } from '../ports.ts';
import type { Database } from './database.ts';
import { readKeyFile } from './keys.ts';
import { lockState, type StateLock } from './lock.ts';
import { MIGRATIONS, migrate } from './migrate.ts';
import { type Pinned, readNode } from './store.ts';

/** A node's state, open and locked. */
export interface OpenState {
  folder: string;
  lock: StateLock;
  signer: Signer;
  database: Database;
  pinned: Pinned;
  close(): Promise<void>;
}

export type StateCode =
  | 'state-missing'
  | 'state-readable'
  | 'state-locked'
  | 'state-foreign'
  | 'key-missing'
  | 'key-readable'
  | 'key-invalid'
  | 'key-exists';

export function databaseUrl(folder: string): string {
  return `file:${join(folder, 'node.db')}`;
}

/**
 * Opens what `init` made: key first (nothing else is touched with a bad one), then the lock, then
 * the database. `detail` says what to do.
 */
export async function openState(
  folder: string,
  adapters: { clock: Clock; openDatabase: (url: string) => Promise<Database>; pid: number },
): Promise<Result<OpenState, StateCode>> {
  const access = await checkFolder(folder);
  if (!access.ok) return access;
  const seed = await readKeyFile(folder);
  if (!seed.ok) return seed;
  const lock = await lockState(folder, adapters.pid);
  if (!lock.ok) return lock;
  const database = await adapters.openDatabase(databaseUrl(folder));
  const close = async (): Promise<void> => {
    await database.close();
    await lock.value.release();
  };
  try {
    await migrate(database, MIGRATIONS, adapters.clock.now());
    const signer = await createNativeSigner(seed.value);
    const node = await readNode(database);
    if (node === null || node.did !== signer.did) {
      await close();
      return node === null
        ? err('state-missing', `${folder} has no node.db: run zerostate-node init`)
        : err('state-foreign', `${folder}/node.db belongs to ${node.did}, the key is another's`);
    }
    const { did, edge, edgeDid, network, asset } = node;
    const pinned = { did, edge, edgeDid, network, asset };
    return ok({ folder, lock: lock.value, signer, database, pinned, close });
  } catch (cause) {
    await close();
    throw cause;
  }
}

async function checkFolder(folder: string): Promise<Result<void, StateCode>> {
  const access = await stat(folder).catch(() => null);
  if (!access?.isDirectory()) {
    return err('state-missing', `${folder} is no state folder: run zerostate-node init --edge URL`);
  }
  if ((access.mode & 0o077) === 0) return ok(undefined);
  const rights = (access.mode & 0o777).toString(8).padStart(4, '0');
  return err(
    'state-readable',
    `${folder} has rights ${rights}: it holds a key and vouchers. Run: chmod 700 ${folder}`,
  );
}
