/** A PostgreSQL 15 of its own for the length of one script, reached by a socket in its folder. */
import { execFile, execFileSync, spawn } from 'node:child_process';
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);
const BIN = '/usr/lib/postgresql/15/bin';

/**
 * Runs a psql script on a fresh server: its last line of output; null where none is installed.
 * `setting` is one of postgresql.conf, such as `shared_buffers=256MB`.
 */
export async function withPostgres(script: string, setting: string): Promise<string | null> {
  const version = await run(join(BIN, 'postgres'), ['--version']).catch(() => null);
  if (version === null) return null;
  const owner = ownerOf();
  const folder = await mkdtemp(join(tmpdir(), 'bench-postgres-'));
  if (owner !== null) await chown(folder, owner.uid, owner.gid);
  const as = owner ?? {};
  const data = join(folder, 'data');
  await run(join(BIN, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'bench'], as);
  const server = spawn(
    join(BIN, 'postgres'),
    ['-D', data, '-k', folder, '-c', 'listen_addresses=', '-c', setting],
    { ...as, stdio: 'ignore' },
  );
  const stopped = new Promise<void>((resolve) => {
    server.once('exit', () => resolve());
  });
  try {
    await ready(folder);
    const file = join(folder, 'script.sql');
    await writeFile(file, script);
    const options = ['-U', 'bench', '-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1'];
    const { stdout } = await run(
      join(BIN, 'psql'),
      ['-h', folder, ...options, '-f', file, 'postgres'],
      { maxBuffer: 16 * 1024 * 1024 },
    );
    return stdout.trim().split('\n').at(-1) ?? '';
  } finally {
    server.kill('SIGINT');
    await stopped;
    await rm(folder, { recursive: true });
  }
}

/** PostgreSQL refuses to run as root; its Debian package brings a user of its own. */
function ownerOf(): { uid: number; gid: number } | null {
  if (process.getuid?.() !== 0) return null;
  const idOf = (flag: string) => Number(execFileSync('id', [flag, 'postgres']).toString());
  return { uid: idOf('-u'), gid: idOf('-g') };
}

async function ready(folder: string): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const answered = await run(join(BIN, 'pg_isready'), ['-h', folder]).catch(() => null);
    if (answered !== null) return;
    await new Promise<void>((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('PostgreSQL did not start');
}
