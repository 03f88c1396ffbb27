/** What `zerostate-node` says when something of its own is wrong: on stderr, and what to do. */
import { chmod, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { layout } from '../../scripts/start/state.ts';
import { type Ended, type Network, type Party, runNodeCli, startNetwork } from './network.ts';

let network: Network;
let node: Party;
beforeAll(async () => {
  network = await startNetwork();
  node = await network.publish('node', []);
});
afterAll(() => network?.stop());

/** A failure: nothing on stdout, words without a stack on stderr. */
function expectRefused(ended: Ended, code: number, words: RegExp): void {
  expect(ended).toMatchObject({ code, stdout: '' });
  expect(ended.stderr).toMatch(words);
  expect(ended.stderr).not.toMatch(/\n {4}at /);
}

test.each<[string, string[], RegExp]>([
  ['an unknown command', ['strat'], /unknown command/],
  ['an edge that is no origin', ['init', '--edge', 'http://127.0.0.1:1/x'], /origin/],
  ['a missing option', ['init'], /--edge/],
  ['a number that is none', ['start', '--workers', 'two'], /whole number/],
])('%s is wrong usage: 2', async (_, args, words) => {
  expectRefused(await runNodeCli(args), 2, words);
});

test('a folder without a node says how to make one: 78', async () => {
  const folder = join(network.state, 'nowhere');
  expectRefused(await runNodeCli(['start', '--state', folder]), 78, /zerostate-node init --edge/);
});

test('an edge that is down keeps a node from being made, and says which: 1', async () => {
  const folder = join(network.state, 'new');
  const ended = await runNodeCli(['init', '--edge', 'http://127.0.0.1:9', '--state', folder]);
  expectRefused(ended, 1, /http:\/\/127\.0\.0\.1:9 does not answer as an edge/);
});

test('an edge of another network is not taken over: 78', async () => {
  const other = await startNetwork();
  try {
    const ended = await runNodeCli(['init', '--edge', other.url, '--state', node.folder]);
    expectRefused(ended, 78, /belongs to .*use another --state/);
  } finally {
    await other.stop();
  }
});

test('a key that others can read is refused with the command that mends it: 78', async () => {
  const key = join(node.folder, 'key');
  await chmod(key, 0o640);
  const ended = await runNodeCli(['start', '--state', node.folder]);
  await chmod(key, 0o600);
  expectRefused(ended, 78, /chmod 600/);
});

test('a damaged key is refused before anything else is touched: 78', async () => {
  const { folder } = await network.publish('damaged', []);
  await writeFile(join(folder, 'key'), 'not a key\n', { mode: 0o600 });
  expectRefused(await runNodeCli(['start', '--state', folder]), 78, /32 bytes.*restore/);
});

test('a lost key is not replaced by a new one: the money is the old one’s: 78', async () => {
  const { folder } = await network.publish('lost', []);
  await rm(join(folder, 'key'));
  expectRefused(await runNodeCli(['start', '--state', folder]), 78, /key is missing/);
  const again = await runNodeCli(['init', '--edge', network.url, '--state', folder]);
  expectRefused(again, 78, /restore the key from your backup/);
});

test('a second node on one state is told who holds it: 1', async () => {
  await network.startExecutor('held', ['hello']);
  const ended = await runNodeCli(['start', '--state', layout(network.state).node('held')]);
  expectRefused(ended, 1, /in use by process [0-9]+: stop it, or use another --state/);
});
