/** Files of the local network: one folder, keys readable by their owner alone. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';

export function layout(state: string) {
  return {
    ledgerKey: join(state, 'edge/ledger.key'),
    edgeKey: join(state, 'edge/edge.key'),
    ledger: join(state, 'edge/ledger.db'),
    directory: join(state, 'edge/directory.db'),
    node: (name: string) => join(state, name),
    caller: join(state, 'caller'),
    log: (name: string) => join(state, 'logs', `${name}.log`),
  };
}

/** The seed in a key file, made on first use: 32 bytes in base64url, mode 0600. */
export async function keyAt(path: string): Promise<string> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await chmod(dirname(path), 0o700);
  const seed = randomBytes(32).toString('base64url');
  try {
    await writeFile(path, `${seed}\n`, { flag: 'wx', mode: 0o600 });
    return seed;
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    return (await readFile(path, 'utf8')).trim();
  }
}

/** The first free loopback port from `wanted` on; 0 asks the system for any. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + 100 && port <= 65_535; port++) {
    const got = await tryPort(port);
    if (got !== undefined) return got;
  }
  throw new Error(`no free port from ${wanted} to ${wanted + 99}: choose another with --port`);
}

function tryPort(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: '127.0.0.1' }, () => {
      const address = server.address();
      const bound = typeof address === 'object' && address !== null ? address.port : undefined;
      server.close(() => resolve(bound));
    });
  });
}
