import { type ChildProcess, spawn } from 'node:child_process';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import about from '../../package.json' with { type: 'json' };
import { createKeyFile, keyPath } from '../adapters/key-file.ts';
import { systemRng } from '../adapters/system.ts';
import { startEdge, TEST_NETWORK, type TestEdge } from '../testing/edge.ts';
import { testExecutor } from '../testing/executor.ts';
import { signerOf } from '../testing/parties.ts';
import { temporaryFolder } from '../testing/wallets.ts';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));
type Ended = { code: number | null; stdout: string; stderr: string };

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let edge: TestEdge;
const state = () => join(folder.path, 'caller');
beforeAll(async () => {
  folder = await temporaryFolder();
  const executor = await testExecutor(TEST_NETWORK, await signerOf('executor'), {
    now: Date.now(),
  });
  edge = await startEdge([executor]);
  await createKeyFile(state(), systemRng);
});
afterAll(async () => {
  await edge.stop();
  await folder.remove();
});

function start(args: readonly string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const env = { PATH: process.env.PATH, ZS_EDGE: edge.url, ZS_STATE: state() };
  const child = spawn(process.execPath, [MAIN, ...args], { env, cwd: folder.path });
  const said = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => {
    said.stdout += chunk.toString();
  });
  child.stderr?.on('data', (chunk: Buffer) => {
    said.stderr += chunk.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (code) => resolve({ code, ...said }));
  });
  return { child, ended };
}

async function zs(args: readonly string[], input?: string): Promise<Ended> {
  const { child, ended } = start(args);
  child.stdin?.end(input ?? '');
  return ended;
}

test.each<[string, string[], number, RegExp]>([
  ['an unknown command', ['serach'], 2, /unknown command/],
  ['a missing option', ['run', 'words'], 2, /--budget/],
  ['an amount that is none', ['account', 'faucet', '1e3'], 2, /at most 6 decimals/],
  ['an agent that is none', ['run', '--agent', 'x', '--budget', '1'], 2, /did:key/],
  [
    'two things on one standard output',
    ['run', 'x', '--budget', '1', '--json', '--out', '-'],
    2,
    /both/,
  ],
  ['a channel that is none', ['channel', 'show', 'x'], 2, /channel id/],
  ['a key that is not there', ['key', 'show', '--state', './none'], 78, /zs key new/],
  ['an edge that is no URL', ['search', 'x', '--edge', 'ftp://x'], 78, /http/],
  [
    'an edge that is down',
    ['search', 'x', '--edge', 'http://127.0.0.1:9'],
    1,
    /is the edge running/,
  ],
  [
    'a file that is not there',
    ['run', 'x', '--in', 'none', '--budget', '1'],
    1,
    /cannot read none/,
  ],
  ['a bundle that is none', ['receipt', 'verify', MAIN], 1, /bundle-invalid/],
])(
  '%s ends with its code, says why on stderr and nothing on stdout',
  async (_, args, code, why) => {
    const ended = await zs(args);
    expect(ended).toMatchObject({ code, stdout: '' });
    expect(ended.stderr).toMatch(why);
    expect(ended.stderr).not.toMatch(/\n {4}at /);
  },
);

test('a key that others can read is refused with the command that mends it', async () => {
  await chmod(keyPath(state()), 0o644);
  const ended = await zs(['account', 'show']);
  await chmod(keyPath(state()), 0o600);
  expect(ended).toMatchObject({ code: 78, stdout: '' });
  expect(ended.stderr).toContain('chmod 600');
});

test('says which version it is', async () => {
  const said = await zs(['--version']);
  expect(said).toMatchObject({ code: 0, stdout: `${about.version}\n` });
});

test('help is on stdout, ends with 0 and has examples', async () => {
  const [all, run] = await Promise.all([zs(['--help']), zs(['run', '--help'])]);
  expect([all.code, run.code]).toEqual([0, 0]);
  expect(all.stdout).toContain('Examples:');
  expect(run.stdout).toContain('zs run "render markdown to html"');
});

test('one command finds, orders, checks and pays; its bundle proves it, and a changed one does not', async () => {
  const proof = join(folder.path, 'proof.json');
  const ran = await zs(['run', 'say hello', '--budget', '0.5', '--bundle', proof, '--out', '-']);
  expect(ran).toMatchObject({ code: 0, stdout: '42' });
  expect(ran.stderr).toMatch(/checked by running it again/);
  const verified = await zs(['receipt', 'verify', proof, '--json']);
  expect(verified.code).toBe(0);
  expect(JSON.parse(verified.stdout)).toMatchObject({ verdict: 'valid' });
  const text = (await readFile(proof, 'utf8')).replace('"gas": "', '"gas": "1');
  const forged = await zs(['receipt', 'verify', '-'], text);
  expect(forged.code).toBe(1);
  expect(forged.stdout).toContain('invalid: receipt: signature-invalid');
});

test('--json puts one document on stdout, in units, and failures as JSON on stderr', async () => {
  const ran = await zs(['run', 'say hello', '--budget', '0.5', '--json']);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(ran.stdout)).toMatchObject({ status: 'ok', verified: true, output: 'NDI' });
  expect(JSON.parse(ran.stdout).price).toMatch(/^0\.00[0-9]+$/);
  const refused = await zs(['run', 'say hello', '--budget', '0.0001', '--json']);
  expect(refused).toMatchObject({ code: 1, stdout: '' });
  const lines = refused.stderr.trim().split('\n');
  expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({ error: { code: 'budget-too-small' } });
});

test('the wallet is listed and its channel closed with what was paid', async () => {
  const listed = await zs(['channel', 'list', '--json']);
  const { channels } = JSON.parse(listed.stdout);
  expect(channels).toMatchObject([{ state: 'active', paid: expect.stringMatching(/^0\.00/) }]);
  const closed = await zs(['channel', 'close', channels[0].ch]);
  expect(closed).toMatchObject({ code: 0, stdout: `${channels[0].ch} is closed\n` });
});

test('Ctrl-C ends with 130 and says what is left open', async () => {
  const silent = await testExecutor(TEST_NETWORK, await signerOf('silent'), {
    behaviour: { vanish: 'silent' },
    now: Date.now(),
  });
  const before = edge.executors.splice(0, 1, silent);
  const waiting = edge.asked('?wait=');
  const { child, ended } = start(['run', 'say hello', '--budget', '0.5']);
  child.stdin?.end();
  await waiting;
  child.kill('SIGINT');
  const { code, stderr } = await ended;
  edge.executors.splice(0, 1, ...before);
  expect(code).toBe(130);
  expect(stderr).toMatch(/is settled by the next zs command/);
});

test('a wallet that is no wallet is a matter of configuration', async () => {
  await writeFile(join(folder.path, 'caller', 'wallet.db'), 'not a database, and long enough');
  const ended = await zs(['channel', 'list']);
  expect(ended.code).toBe(78);
  expect(ended.stderr).toContain('wallet-unreadable');
});
