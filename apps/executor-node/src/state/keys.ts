import { chmod, lstat, mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeBase64url, encodeBase64url, err, ok, type Result } from '@zerostate/shared';
import type { Rng } from '../ports.ts';

/** Why a key cannot be used; `detail` says what to do. */
export type KeyFileCode = 'key-missing' | 'key-readable' | 'key-invalid' | 'key-exists';

const SEED_BYTES = 32;
/** Rights of group and others. */
const FOREIGN_RIGHTS = 0o077;

export function keyPath(folder: string): string {
  return join(folder, 'key');
}

/** The state folder, for its owner alone. */
export async function makeStateFolder(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  // mkdir leaves a folder that was there as it was.
  await chmod(folder, 0o700);
}

/** Makes the node's key: the 32 bytes of an Ed25519 seed as base64url text, rights 0600. */
export async function createKeyFile(
  folder: string,
  rng: Rng,
): Promise<Result<Uint8Array, KeyFileCode>> {
  const seed = rng.bytes(SEED_BYTES);
  try {
    // `wx` creates or fails: two that start at once can never both write a key.
    const file = await open(keyPath(folder), 'wx', 0o600);
    try {
      await file.writeFile(`${encodeBase64url(seed)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (cause) {
    if (isCode(cause, 'EEXIST')) return err('key-exists', `${keyPath(folder)} exists`);
    throw cause;
  }
  return ok(seed);
}

/** Reads the key, and refuses one that others on this machine can read. */
export async function readKeyFile(folder: string): Promise<Result<Uint8Array, KeyFileCode>> {
  const path = keyPath(folder);
  let text: string;
  try {
    const stat = await lstat(path);
    if (!stat.isFile()) return err('key-invalid', `${path} is not a regular file`);
    if ((stat.mode & FOREIGN_RIGHTS) !== 0) {
      const rights = (stat.mode & 0o777).toString(8).padStart(4, '0');
      return err(
        'key-readable',
        `${path} has rights ${rights}: others can read it. If nobody did, run: chmod 600 ${path}`,
      );
    }
    text = await readFile(path, 'utf8');
  } catch (cause) {
    if (!isCode(cause, 'ENOENT')) throw cause;
    return err('key-missing', await adviceWithout(folder));
  }
  const seed = decodeBase64url(text.trim());
  if (!seed.ok || seed.value.length !== SEED_BYTES) {
    return err('key-invalid', `${path} does not hold 32 bytes in base64url: restore your backup`);
  }
  return ok(seed.value);
}

/** A folder with a database has had a key; another one could open nothing of what it holds. */
async function adviceWithout(folder: string): Promise<string> {
  const path = keyPath(folder);
  const database = await lstat(join(folder, 'node.db')).catch(() => null);
  return database === null
    ? `${path} is missing: run zerostate-node init --edge URL`
    : `${path} is missing, and node.db beside it is of that key: restore the key from your backup`;
}

function isCode(cause: unknown, code: string): boolean {
  return cause instanceof Error && 'code' in cause && cause.code === code;
}
