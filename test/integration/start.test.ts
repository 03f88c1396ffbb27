/** `npm start` as a reader runs it: one command, one object, and nothing left behind. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../scripts/start/state.ts';
import { IS_SOAK } from '../seed.ts';

const ROOT = join(import.meta.dirname, '../..');
/** What is promised from the signal to the end; asserted in the soak, on a machine of its own. */
const STOP_MS_MAX = 10_000;

const amount = z.string().regex(/^[0-9]+$/);
const standing = z.object({ n: z.number().int(), score: z.number().min(0).max(1) });
const balances = z.object({ caller: amount, executor: amount });
const reportSchema = z.looseObject({
  search: z
    .array(
      z
        .object({ did: z.string(), agent: z.string(), name: z.string(), score: z.number() })
        .strict(),
    )
    .min(1),
  channel: z.string().length(43),
  task: z.string().length(43),
  receipt: z.string().length(43),
  verified: z.literal(true),
  gas: amount,
  price: amount,
  balances: z.object({ before: balances, after: balances }),
  conservation: z.literal('0'),
  reputation: z.object({ before: standing, after: standing }),
  timings_ms: z.record(z.string(), z.number()),
});
type Report = z.infer<typeof reportSchema>;

let state: string;
const runs: Started[] = [];
beforeAll(async () => {
  state = await mkdtemp(join(tmpdir(), 'zs-start-'));
});
afterAll(async () => {
  // What a failing test has left up.
  for (const { child } of runs) child.kill('SIGTERM');
  await Promise.all(runs.map(({ ended }) => ended));
  await rm(state, { recursive: true, force: true });
});

interface Started {
  readonly child: ChildProcess;
  /** Resolves when stderr has said this. */
  said(words: string): Promise<void>;
  readonly stderr: () => string;
  readonly stdout: () => string;
  readonly ended: Promise<number | null>;
}

function start(...args: string[]): Started {
  const child = spawn(
    process.execPath,
    [join(ROOT, 'scripts/start.ts'), '--state', state, ...args],
    { cwd: ROOT },
  );
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    out.stdout += chunk.toString();
  });
  const listeners = new Set<() => void>();
  child.stderr.on('data', (chunk: Buffer) => {
    out.stderr += chunk.toString();
    for (const look of listeners) look();
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const said = (words: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (out.stderr.includes(words)) resolve();
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`ended without "${words}":\n${out.stderr}`)));
    });
  const run = { child, said, ended, stderr: () => out.stderr, stdout: () => out.stdout };
  runs.push(run);
  return run;
}

/** Processes below `root`, as Linux tells them: pid and start time, which together name one. */
async function descendants(root: number): Promise<string[]> {
  const all = await processes();
  const found = [root];
  for (const pid of found) {
    for (const { pid: child, parent } of all.values()) if (parent === pid) found.push(child);
  }
  return found.flatMap((pid) => all.get(pid)?.name ?? []);
}

async function processes() {
  const all = new Map<number, { pid: number; parent: number; name: string }>();
  for (const entry of await readdir('/proc')) {
    if (!/^[0-9]+$/.test(entry)) continue;
    const stat = await readFile(`/proc/${entry}/stat`, 'utf8').catch(() => null);
    if (stat === null) continue;
    // proc(5): the second field is in parentheses and may hold anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const pid = Number(entry);
    all.set(pid, { pid, parent: Number(fields[1]), name: `${pid} since ${fields[19]}` });
  }
  return all;
}

/** Sends SIGTERM and waits for the end; answers with what is left of the whole tree. */
async function terminate({ child, ended }: Started) {
  if (child.pid === undefined) throw new Error('not started');
  const before = await descendants(child.pid);
  const asked = performance.now();
  child.kill('SIGTERM');
  const code = await ended;
  for (;;) {
    // A child's own child hears of the end from the child.
    const tookMs = performance.now() - asked;
    const alive = new Set([...(await processes()).values()].map(({ name }) => name));
    const left = before.filter((name) => alive.has(name));
    if (left.length === 0 || (IS_SOAK && tookMs > STOP_MS_MAX)) {
      return { code, tookMs, processes: before.length, left };
    }
  }
}

async function occupied(): Promise<{ server: Server; port: number }> {
  const server = createServer();
  const port = await freePort(0);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return { server, port };
}

function total({ caller, executor }: Report['balances']['after']): bigint {
  return BigInt(caller) + BigInt(executor);
}

/** Of the local network. */
const NODES = 3;

let first: Report;
/** Where the first start found a free port. */
let port: string;

test('--once --json prints one object, all of it verified, on the next port if one is taken', async () => {
  const taken = await occupied();
  const run = start('--once', '--json', '--port', String(taken.port));
  expect(await run.ended, run.stderr()).toBe(0);
  taken.server.close();
  const lines = run.stdout().trim().split('\n');
  expect(lines).toHaveLength(1);
  first = reportSchema.parse(JSON.parse(lines[0] ?? ''));
  const { before, after } = first.balances;
  expect(BigInt(before.caller) - BigInt(after.caller)).toBe(BigInt(first.price));
  expect(total(after)).toBe(total(before));
  expect(first.reputation.after.n).toBe(first.reputation.before.n + 1);
  port = /http:\/\/127\.0\.0\.1:([0-9]+)/.exec(run.stderr())?.[1] ?? '';
  expect(Number(port)).toBeGreaterThan(taken.port);
});

test('a second start goes on where the first ended, on any port, and SIGTERM leaves no process', async () => {
  const run = start('--json', '--port', '0');
  await run.said('The network is up');
  const again = reportSchema.parse(JSON.parse(run.stdout()));
  expect(again.balances.before).toEqual(first.balances.after);
  expect(again.reputation.before.n).toBe(first.reputation.after.n);
  // The nodes are who they were; which of them come first may change with what is known of them.
  const dids = new Set([...first.search, ...again.search].map(({ did }) => did));
  expect(dids.size).toBeLessThanOrEqual(NODES);
  const end = await terminate(run);
  expect(end).toMatchObject({ code: 0, left: [] });
  // start, edge, three nodes: what was counted was the whole tree.
  expect(end.processes).toBeGreaterThanOrEqual(5);
  if (IS_SOAK) expect(end.tookMs).toBeLessThan(STOP_MS_MAX);
});

test.each([
  ['while the nodes start', 'edge  '],
  ['in the middle of the job', 'Render a Markdown README'],
])('SIGTERM %s ends every process', async (_, words) => {
  for (;;) {
    const run = start('--once', '--json', '--port', port);
    await run.said(words);
    const end = await terminate(run);
    expect(end.left).toEqual([]);
    // The job was over before the signal came: the moment is waited for again.
    if (end.code === 0 && run.stdout() !== '') continue;
    expect([end.code, run.stdout()]).toEqual([130, '']);
    if (IS_SOAK) expect(end.tookMs).toBeLessThan(STOP_MS_MAX);
    return;
  }
});

test('what was interrupted is answered for at the next start', async () => {
  const run = start('--once', '--json', '--port', port);
  expect(await run.ended, run.stderr()).toBe(0);
  expect(reportSchema.parse(JSON.parse(run.stdout())).verified).toBe(true);
});
