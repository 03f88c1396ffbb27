import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openDatabase } from '../adapters/database.ts';
import { takeRole } from '../state/role.ts';
import { TestEdge } from '../testing/edge.ts';
import { main } from './main.ts';

let edge: TestEdge;
let folder: string;
beforeEach(async () => {
  edge = await TestEdge.start();
  folder = join(await mkdtemp(join(tmpdir(), 'zs-cli-')), 'node');
});
afterEach(async () => {
  vi.restoreAllMocks();
  await edge.stop();
  await rm(join(folder, '..'), { recursive: true, force: true });
});

/** One command as a shell sees it: its exit code, and what it wrote where. */
async function run(...args: string[]) {
  let stdout = '';
  let stderr = '';
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    stdout += String(text);
    return true;
  });
  const err = vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    stderr += String(text);
    return true;
  });
  const code = await main(args);
  out.mockRestore();
  err.mockRestore();
  return { code, stdout, stderr };
}

const init = () => run('init', '--edge', edge.url, '--state', folder, '--json');

test('init prints who the node is, and a second one changes nothing', async () => {
  const first = await init();
  expect(first).toMatchObject({ code: 0, stderr: '' });
  const node = JSON.parse(first.stdout);
  expect(node).toMatchObject({ edge: edge.url, network: edge.network, new: true });
  const second = await init();
  expect(JSON.parse(second.stdout)).toEqual({ ...node, new: false });
});

test('every wrong word is usage: exit 2, a message on stderr, nothing on stdout', async () => {
  const wrong = [
    ['juggle'],
    ['init'],
    ['init', '--edge', 'not a url'],
    ['init', '--edge', 'http://127.0.0.1:1/path'],
    ['start', '--workers', 'many'],
    ['start', '--log-level', 'shouting'],
    // The edge's sweep would be first, and the receipts would count for nothing.
    ['start', '--redeem-age', '900'],
    ['start', '--rebalance-percent', '100'],
    ['arbiter', '--workers', 'many'],
    ['channel', 'topup', 'A'.repeat(43)],
    ['channel', 'topup', 'A'.repeat(43), '--amount', '0'],
    ['channel', 'close1', 'nothing'],
    ['card', 'add'],
    ['status', '--colour'],
  ];
  for (const args of wrong) {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }, args.join(' ')).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain('error:');
  }
});

test('help shows examples and is no failure', async () => {
  const commands = [[], ['init'], ['arbiter'], ['card', 'add'], ['channel', 'roll']];
  for (const args of commands.map((command) => [...command, '--help'])) {
    const { code, stdout } = await run(...args);
    expect(code).toBe(0);
    expect(stdout).toContain('Examples:');
  }
});

test('a reader that goes away, as `head` does, is no failure', async () => {
  const entry = fileURLToPath(new URL('./main.ts', import.meta.url));
  const child = spawn(process.execPath, [entry, '--help'], { stdio: ['ignore', 'pipe', 'pipe'] });
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += String(chunk);
  });
  child.stdout.destroy();
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(stderr).toBe('');
});

test('one folder is an executor or an arbiter, never both', async () => {
  await init();
  const database = await openDatabase(`file:${join(folder, 'node.db')}`);
  expect(await takeRole({ database, folder }, 'executor')).toMatchObject({ ok: true });
  await database.close();
  const judging = await run('arbiter', '--state', folder);
  expect(judging).toMatchObject({ code: 78, stdout: '' });
  expect(judging.stderr).toContain('is an executor');
});

test('a wrong configuration is exit 78 and says what to do', async () => {
  const missing = await run('status', '--state', folder);
  expect(missing).toMatchObject({ code: 78, stdout: '' });
  expect(missing.stderr).toContain('zerostate-node init');
  await init();
  await chmod(join(folder, 'key'), 0o644);
  const readable = await run('start', '--state', folder, '--json');
  expect(readable.code).toBe(78);
  expect(JSON.parse(readable.stderr)).toMatchObject({ error: { code: 'key-readable' } });
  await rm(join(folder, 'key'));
  // Not `init`, which would refuse: only the old key opens what is here.
  const lost = await run('start', '--state', folder);
  expect(lost).toMatchObject({ code: 78, stderr: expect.stringContaining('from your backup') });
  expect(lost.stderr).not.toContain('init');
  // A new key beside the vouchers of an old one would lose them.
  expect(await init()).toMatchObject({ code: 78, stderr: expect.stringContaining('key-missing') });
});

test('an edge that is down, or another one than before, is named', async () => {
  const down = await run('init', '--edge', 'http://127.0.0.1:9', '--state', folder);
  expect(down).toMatchObject({ code: 1, stderr: expect.stringContaining('edge-unreachable') });
  await init();
  await run('status', '--state', folder);
  const port = new URL(edge.url).port;
  expect(await run('init', '--edge', `http://localhost:${port}`, '--state', folder)).toMatchObject({
    code: 0,
  });
});

test('questions are answered without a daemon too', async () => {
  await init();
  const state = ['--state', folder, '--json'];
  const status = await run('status', ...state);
  expect(JSON.parse(status.stdout)).toMatchObject({ running: false, held: '0', redeemed: '0' });
  expect(JSON.parse((await run('earnings', ...state)).stdout)).toMatchObject({ total: '0' });
  expect(JSON.parse((await run('card', 'list', ...state)).stdout)).toEqual([]);
  expect(await run('card', 'revoke', 'nobody', ...state)).toMatchObject({ code: 1 });
});

test('a channel whose id begins with a dash is named like any other', async () => {
  await init();
  const dashed = `-${'A'.repeat(42)}`;
  const closed = await run('channel', 'close1', dashed, '--state', folder);
  expect(closed).toMatchObject({ code: 1, stderr: expect.stringContaining('not-found') });
});

test('a daemon answers over its socket, refuses a second one, and ends by its signal', async () => {
  await init();
  const daemon = await startDaemon();
  const status = await run('status', '--state', folder, '--json');
  expect(JSON.parse(status.stdout)).toMatchObject({ running: true, link: {} });
  const second = await run('start', '--state', folder);
  expect(second.code).toBe(1);
  expect(second.stderr).toContain(`process ${daemon.pid}`);
  daemon.kill('SIGINT');
  expect(await once(daemon, 'exit')).toEqual([130, null]);

  const again = await startDaemon();
  again.kill('SIGTERM');
  expect(await once(again, 'exit')).toEqual([0, null]);
  const after = await run('status', '--state', folder, '--json');
  expect(JSON.parse(after.stdout)).toMatchObject({ running: false });
});

/** `zerostate-node start` in a process of its own, when it says that it runs. */
async function startDaemon() {
  const entry = fileURLToPath(new URL('./main.ts', import.meta.url));
  const args = [entry, 'start', '--state', folder, '--json', '--workers', '1'];
  const child = spawn(process.execPath, [...args, '--log-level', 'silent'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  expect(JSON.parse(String(line))).toMatchObject({ started: true, pid: child.pid });
  return child;
}

test('an address of the mesh that is none is wrong configuration, before anything starts', async () => {
  await init();
  const at = ['--state', folder, '--json'];
  const wrong = await run('start', '--mesh', '--bootstrap', '/ip4/192.0.2.1/tcp/1', ...at);
  expect(wrong).toMatchObject({ code: 78, stdout: '' });
  expect(JSON.parse(wrong.stderr)).toMatchObject({ error: { code: 'address-invalid' } });
  const routes = await run('routes', ...at);
  expect(JSON.parse(routes.stderr)).toMatchObject({ error: { code: 'mesh-down' } });
});
