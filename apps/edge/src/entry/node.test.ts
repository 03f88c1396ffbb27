import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createSigner, encodeBase64url } from '@zerostate/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Caller, LinkPeer, readNetwork, runJob } from '../../test-support/job.ts';

const ENTRY = new URL('./node.ts', import.meta.url).pathname;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'zs-edge-'));
});
afterAll(() => rm(folder, { recursive: true }));

function environment(): Record<string, string> {
  return {
    PATH: process.env.PATH ?? '',
    LEDGER_URL: `file:${join(folder, 'ledger.db')}`,
    DIRECTORY_URL: `file:${join(folder, 'directory.db')}`,
    LEDGER_KEY: encodeBase64url(new Uint8Array(32).fill(1)),
    EDGE_KEY: encodeBase64url(new Uint8Array(32).fill(2)),
    PORT: '0',
    MIGRATE: 'true',
    LOG_LEVEL: 'silent',
  };
}

type Started = { child: ChildProcess; url: string; ended: Promise<number | null> };

async function start(env: Record<string, string>): Promise<Started> {
  const child = spawn(process.execPath, [ENTRY], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const line = await new Promise<string>((resolve) => {
    child.stdout?.once('data', (data) => resolve(String(data)));
  });
  const { url } = JSON.parse(line);
  return { child, url: String(url), ended };
}

const signer = (seed: number) => createSigner(new Uint8Array(32).fill(seed));

test('a wrong configuration ends the start with 78 and names every mistake', async () => {
  const child = spawn(process.execPath, [ENTRY], { env: { PATH: '', PORT: 'x' } });
  let said = '';
  child.stderr.on('data', (data) => {
    said += String(data);
  });
  expect(await new Promise((resolve) => child.once('close', resolve))).toBe(78);
  for (const name of ['PORT', 'LEDGER_URL', 'DIRECTORY_URL', 'LEDGER_KEY', 'EDGE_KEY']) {
    expect(said).toContain(name);
  }
});

test('the main job runs over the wire, and a stop and a start later it is all still there', async () => {
  const parties = { caller: await signer(11), executor: await signer(12) };
  const now = () => Date.now();
  const first = await start(environment());
  const report = await runJob(first.url, parties, { tasks: 3, now });
  expect(report).toMatchObject({
    redeemed: { redeemed: [{ moved: '3036', counted: 3 }], refused: [] },
    conservation: { difference: '0' },
  });
  // A caller that waits and an open link do not hold the end up.
  const network = await readNetwork(first.url);
  const link = new LinkPeer(first.url, parties.executor);
  await link.open(network, network.origins[0] ?? '', encodeBase64url(new Uint8Array(16).fill(3)));
  first.child.kill('SIGTERM');
  expect(await first.ended).toBe(0);
  expect(await link.closed).toBe(1001);

  const second = await start(environment());
  const again = new Caller(second.url, parties.caller, now);
  expect(await again.send('GET', `/v1/tasks/${report.task}`)).toMatchObject({ state: 'done' });
  expect((await readNetwork(second.url)).network).toBe(network.network);
  second.child.kill('SIGINT');
  expect(await second.ended).toBe(0);
});
