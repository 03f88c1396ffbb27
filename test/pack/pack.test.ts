/** What others install, installed: tarballs in an empty folder, on Node, Bun and Deno. */
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Network, startNetwork } from '../integration/network.ts';

const ROOT = join(import.meta.dirname, '../..');
const BIN = join(ROOT, 'node_modules/.bin');
const HELLO = join(ROOT, 'agents/hello');
const INSTALL_MS_MAX = 300_000;
const execute = promisify(execFile);

/** Package name to its tarball. */
let tarballs: Record<string, string>;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zs-pack-'));
  const { stdout } = await execute(process.execPath, [join(ROOT, 'scripts/pack.ts')]);
  tarballs = Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((path) => [nameOf(path), `file:${join(ROOT, path)}`]),
  );
  await Promise.all([install('npm'), install('bun')]);
}, INSTALL_MS_MAX);
afterAll(() => rm(folder, { recursive: true, force: true }));

/** `dist/pack/zerostate-sdk-0.1.0.tgz` holds `@zerostate/sdk`. */
function nameOf(path: string): string {
  const [, name] = /zerostate-([a-z-]+)-[0-9.]+\.tgz$/.exec(path) ?? [];
  if (name === undefined) throw new Error(`not a package of ours: ${path}`);
  return `@zerostate/${name}`;
}

const within = (manager: string, ...path: string[]) => join(folder, manager, ...path);

async function install(manager: 'npm' | 'bun'): Promise<void> {
  const cwd = within(manager);
  await mkdir(cwd);
  // Not published yet: what the packages want of each other is these files too.
  const manifest = { private: true, type: 'module', dependencies: tarballs, overrides: tarballs };
  await writeFile(join(cwd, 'package.json'), JSON.stringify(manifest));
  for (const program of ['program.mjs', 'sandbox.mjs']) {
    await copyFile(join(import.meta.dirname, program), join(cwd, program));
  }
  const [command, ...args] =
    manager === 'npm'
      ? ['npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts']
      : [join(BIN, 'bun'), 'install', '--ignore-scripts'];
  await execute(command ?? manager, args, { cwd });
}

test.each<[string, 'npm' | 'bun', string, string[]]>([
  ['Node, installed by npm', 'npm', process.execPath, []],
  ['Bun, installed by bun', 'bun', join(BIN, 'bun'), ['run']],
  [
    'Deno, installed by npm',
    'npm',
    join(BIN, 'deno'),
    ['run', '--quiet', '--allow-all', '--node-modules-dir=manual'],
  ],
])(
  '%s: a program runs a module, signs, verifies and searches',
  async (_, manager, command, args) => {
    const program = [...args, 'program.mjs', join(HELLO, 'hello.wasm')];
    const { stdout } = await execute(command, program, { cwd: within(manager) });
    expect(JSON.parse(stdout)).toEqual({
      hello: { status: 'ok', output: '42', gas: expect.stringMatching(/^[1-9][0-9]*$/) },
      envelope: { did: expect.stringMatching(/^did:key:z6Mk/), good: true, forged: false },
      ranked: [
        ['sudoku', 'thumbnail'],
        ['thumbnail', 'sudoku'],
      ],
      sdk: { code: 'edge-unreachable', units: '1500000' },
    });
  },
);

test('the sandbox finds its worker where npm has put it', async () => {
  const program = ['sandbox.mjs', join(HELLO, 'hello.wasm')];
  const { stdout } = await execute(process.execPath, program, { cwd: within('npm') });
  expect(stdout.trim()).toBe('42');
});

test.each(['zs', 'zerostate-node'])('%s is a command that explains itself', async (name) => {
  const { stdout, stderr } = await execute(within('npm', 'node_modules/.bin', name), ['--help']);
  expect(stderr).toBe('');
  expect(stdout).toContain(`Usage: ${name}`);
  expect(stdout).toContain('Examples:');
});

test('an installed node makes its database and admits an agent', async () => {
  const network: Network = await startNetwork();
  try {
    const state = join(network.state, 'installed');
    const node = async (...args: string[]) => {
      const command = within('npm', 'node_modules/.bin/zerostate-node');
      const { stdout } = await execute(command, [...args, '--state', state, '--json']);
      return JSON.parse(stdout);
    };
    const { did } = await node('init', '--edge', network.url);
    const added = await node('card', 'add', HELLO);
    // Its key has no money yet, which the edge asks for before it keeps a module.
    const waits = { agent: 'hello', state: 'waiting', code: 'account-unfunded' };
    expect([added].flat()).toMatchObject([waits]);
    expect(await node('status')).toMatchObject({ did, running: false });
  } finally {
    await network.stop();
  }
});

test('tarballs hold what is needed to run and nothing of the tests', async () => {
  for (const tarball of Object.values(tarballs)) {
    const { stdout } = await execute('tar', ['tzf', tarball.replace('file:', '')]);
    const files = stdout.trim().split('\n');
    expect(files).toContain('package/LICENSE');
    expect(files.filter((file) => /\.test\.|\/testing\/|(?<!\.d)\.ts$/.test(file))).toEqual([]);
  }
});
