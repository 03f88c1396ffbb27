/** Files of the local network: one folder, keys readable by their owner alone. */
import { randomBytes, randomInt } from 'node:crypto';
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

/**
 * Where any port is taken from: below those that systems give to outgoing connections, so that what
 * is free here is free a moment later, and again after its process has ended.
 */
const ANY_PORT_MIN = 22_000;
const ANY_PORTS = 9_900;

/** The first free loopback port from `wanted` on; 0 takes any. */
export async function freePort(wanted: number): Promise<number> {
  const first = wanted === 0 ? ANY_PORT_MIN + randomInt(ANY_PORTS) : wanted;
  for (let port = first; port < first + 100 && port <= 65_535; port++) {
    if (await isFree(port)) return port;
  }
  throw new Error(`no free port from ${first} to ${first + 99}: choose another with --port`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });
}
