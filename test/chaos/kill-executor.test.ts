/**
 * `kill -9` of an executor daemon while it works and holds vouchers that it has not redeemed
 * (reliability.md 3). Every payment that the caller made is its income in the end, once.
 */
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import {
  connectFromState,
  createEdgeClient,
  createKeyFile,
  createSigner,
  readKeyFile,
  systemRng,
} from '@zerostate/sdk/node';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { ask } from '../../apps/executor-node/src/cli/ask.ts';
import { readHolder } from '../../apps/executor-node/src/state/lock.ts';
import { EARNINGS_MAX } from '../../apps/executor-node/src/wallet/earnings.ts';
import { type Child, startChild } from '../../scripts/start/child.ts';
import { runNodeCli } from '../integration/network.ts';
import { IS_SOAK, randomOf, seedFor } from '../seed.ts';
import { get } from './payer.ts';
import { createSite, type Site } from './workers.ts';

const KILLS = IS_SOAK ? 100 : 1;
const AT_ONCE = 4;
/** So much that the exposure rule redeems nothing by itself. */
const FUND = 1_000_000_000n;
/** What the executor has before it earns anything. */
const OWN = 1_000_000n;
const FILE = 'test/chaos/kill-executor.test.ts';
/** How a run ends whose executor was not there for it; nothing is paid by it then. */
const AWAY = [
  'executor-offline',
  'task-not-accepted',
  'task-failed',
  'task-late',
  'channel-not-opened',
  'rejected:busy',
];
const ROOT = join(import.meta.dirname, '../..');
const CLI = join(ROOT, 'apps/executor-node/src/cli/main.ts');

const earningsSchema = z.looseObject({
  total: z.string(),
  held: z.string(),
  earnings: z.array(
    z.looseObject({ amount: z.string(), receipts: z.array(z.looseObject({ id: z.string() })) }),
  ),
});
const statusSchema = z.looseObject({ did: z.string() });

let site: Site;
let url: string;
let folder: string;
let daemon: Child;

beforeAll(async () => {
  site = await createSite();
  url = await site.start('node');
  folder = join(site.state, 'executor');
  await nodeCli('init', '--edge', url);
  // A card is refused to a DID that has never had money.
  const seed = await readKeyFile(folder);
  if (!seed.ok) throw new Error(seed.detail ?? seed.code);
  const edge = createEdgeClient({ url, signer: await createSigner(seed.value) });
  const funded = await edge.faucet(OWN);
  if (!funded.ok) throw new Error(funded.code);
  await nodeCli('card', 'add', join(ROOT, 'agents/hello'));
  await startDaemon();
});
afterAll(async () => {
  await daemon.stop();
  await site.stop();
});

async function nodeCli(...args: string[]): Promise<void> {
  const { code, stderr } = await runNodeCli([...args, '--state', folder, '--json']);
  if (code !== 0) throw new Error(stderr);
}

async function startDaemon(): Promise<void> {
  daemon = await startChild({
    name: 'executor',
    command: process.execPath,
    args: [CLI, 'start', '--state', folder],
    log: join(site.state, 'executor.log'),
  });
  // Until it holds its state: whoever looks into a free one would keep the daemon out.
  let over = false;
  void daemon.ended.then(() => {
    over = true;
  });
  while ((await readHolder(folder))?.control == null) {
    if (over) throw new Error(daemon.tail());
    await pause(20);
  }
}

async function killDaemon(): Promise<void> {
  // Its group: the sandbox's worker processes are its own.
  process.kill(-daemon.pid, 'SIGKILL');
  await daemon.ended;
}

/** What the wallet on disk says, whether a daemon holds it or not. */
async function earnings() {
  const answer = await ask(folder, { command: 'earnings', limit: EARNINGS_MAX });
  if (!answer.ok) throw new Error(`${answer.code}: ${answer.detail ?? ''}`);
  const { total, held, earnings: rows } = earningsSchema.parse(answer.value);
  return { total: BigInt(total), held: BigInt(held), rows };
}

async function caller() {
  const at = join(site.state, 'caller');
  const key = await createKeyFile(at, systemRng);
  if (!key.ok) throw new Error(key.detail ?? key.code);
  const connected = await connectFromState(url, at);
  if (!connected.ok) throw new Error(connected.detail ?? connected.code);
  const paid = await connected.value.edge.faucet(FUND);
  if (!paid.ok) throw new Error(paid.code);
  return connected.value;
}

test(`${KILLS} kills of an executor lose no voucher that it held and double none`, async () => {
  const random = randomOf(seedFor(FILE));
  const client = await caller();
  const status = await ask(folder, { command: 'status' });
  const { did } = statusSchema.parse(status.ok ? status.value : null);
  expect(await client.edge.card(did, 'hello')).toMatchObject({ ok: true });
  const opened = await client.openChannel(did, FUND);
  if (!opened.ok) throw new Error(opened.code);
  const { ch } = opened.value;

  const receipts = new Set<string>();
  let paid = 0n;
  const over = new AbortController();
  const control = { killAfter: 0, kill: () => {} };
  const work = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const done = await client.run({
        agent: { did, agent: 'hello' },
        budget: 10_000n,
        verify: 'never',
      });
      if (!done.ok) {
        // The daemon was away for longer than the caller waits, or than the task had time.
        expect(AWAY).toContain(done.code);
        continue;
      }
      paid += done.value.price;
      receipts.add(done.value.receiptId);
      control.killAfter -= 1;
      if (control.killAfter <= 0) control.kill();
    }
  };
  const workers = Array.from({ length: AT_ONCE }, work);
  const failed = Promise.all(workers).then(() => undefined);
  for (let kill = 0; kill < KILLS; kill++) {
    const due = new Promise<void>((resolve) => {
      control.kill = resolve;
    });
    control.killAfter = 1 + Math.floor(random() * 12);
    await Promise.race([due, failed]);
    const before = await earnings();
    await killDaemon();
    const after = await earnings();
    expect(after.total).toBeGreaterThanOrEqual(before.total);
    expect(after.held).toBe(after.total);
    await startDaemon();
  }
  over.abort();
  await failed;
  // What a run did not wait for is done once the daemon is back, and paid then.
  const isOffered = ({ state }: { state: string }) => state === 'offered';
  while ((await client.wallet.pending()).some(isOffered)) {
    for (const { task, price } of await client.recover()) {
      if (price === undefined) continue;
      paid += price;
      receipts.add((await client.wallet.task(task))?.receiptId ?? '');
    }
  }

  // Vouchers that the dead daemon never got are delivered again: they lie in the edge's outbox.
  let now = await earnings();
  while (now.total < paid) now = await earnings();
  expect(now.total).toBe(paid);
  const closed = await client.closeChannel(ch);
  expect(closed).toMatchObject({ ok: true, value: { state: 'closed' } });
  const last = await earnings();
  expect([last.total, last.held]).toEqual([paid, 0n]);
  const counted = last.rows.flatMap((row) => row.receipts.map(({ id }) => id));
  expect([counted.length, new Set(counted)]).toEqual([receipts.size, receipts]);
  const account = await createEdgeClient({ url }).account(did);
  expect(account).toMatchObject({ ok: true, value: { available: String(OWN + paid) } });
  expect(await get(url, '/v1/ledger/conservation')).toMatchObject({ difference: '0' });
  console.log(`${KILLS} kills, ${receipts.size} tasks paid`);
  await client.close();
}, 3_600_000);
