import { execFile } from 'node:child_process';
import { readFileSync, readlinkSync } from 'node:fs';
import { createServer } from 'node:net';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { findNetworkCutter } from '../src/sandbox/adapters/node.ts';
import { createSandbox, type Sandbox } from '../src/sandbox/index.ts';
import { buildModule, I32, i32 } from './module-builder.ts';

const HELLO = buildModule({ functions: [{ results: [I32], code: i32(42), export: 'run' }] });
const LIMITS = { gasMax: 10_000_000n, pagesMax: 1, wallMsMax: 10_000, outputMax: 100 };

let sandbox: Sandbox | undefined;
afterEach(async () => {
  vi.unstubAllEnvs();
  await sandbox?.close();
  sandbox = undefined;
});

async function works(one: Sandbox): Promise<string> {
  const call = { abi: 'call', fn: 'run', args: [] } as const;
  const result = await one.run({ wasm: HELLO, call, limits: LIMITS, taskId: 'task' });
  if (!result.ok) throw new Error(JSON.stringify(result));
  return new TextDecoder().decode(result.outcome.output);
}

/** Whether a process that is started by this command reaches a listener on the loopback. */
async function connects(prefix: readonly string[]): Promise<boolean> {
  const server = createServer((socket) => socket.end());
  await new Promise<void>((listening) => {
    server.listen(0, '127.0.0.1', listening);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const script = `require('net').connect(${address.port}, '127.0.0.1')
    .on('connect', () => process.exit(0)).on('error', () => process.exit(9))`;
  const [command = '', ...args] = [...prefix, process.execPath, '-e', script];
  const reached = await new Promise<boolean>((ended) => {
    execFile(command, args, (error) => ended(error === null));
  });
  await new Promise((closed) => server.close(closed));
  return reached;
}

describe('the network of a worker', () => {
  test('is cut where status says so', async () => {
    sandbox = await createSandbox({ workers: 1 });
    const [pid] = sandbox.status().pids;
    const cutter = await findNetworkCutter();
    expect(sandbox.status().mode).toBe(cutter === undefined ? 'imports-only' : 'netns');
    expect(await works(sandbox)).toBe('42');
    if (process.platform !== 'linux') return;
    const own = readlinkSync('/proc/self/ns/net');
    expect(readlinkSync(`/proc/${pid}/ns/net`) !== own).toBe(cutter !== undefined);
    if (cutter === undefined) return;
    const interfaces = readFileSync(`/proc/${pid}/net/dev`, 'latin1').trim().split('\n').slice(2);
    expect(interfaces.map((line) => line.trim().split(':')[0])).toEqual(['lo']);
    expect(await connects([])).toBe(true);
    expect(await connects(cutter)).toBe(false);
  });

  test('is said to be reachable by imports alone where nothing can cut it', async () => {
    vi.stubEnv('PATH', '');
    sandbox = await createSandbox({ workers: 1 });
    expect(sandbox.status().mode).toBe('imports-only');
    expect(await works(sandbox)).toBe('42');
  });
});
