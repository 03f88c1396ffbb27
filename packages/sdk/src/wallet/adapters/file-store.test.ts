import { join } from 'node:path';
import { createClient } from '@libsql/client';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { countingRng, manifestOf, receiptOf, unwrap } from '../../testing/parties.ts';
import { caller, executor, temporaryFolder, walletOn, withChannel } from '../../testing/wallets.ts';
import type { Wallet } from '../wallet.ts';
import { openFileStore, WalletFileError } from './file-store.ts';
import { UNFINISHED } from './schema.ts';

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
const open: Wallet[] = [];
beforeEach(async () => {
  folder = await temporaryFolder();
});
afterEach(async () => {
  for (const wallet of open.splice(0)) await wallet.close();
  await folder.remove();
});

const rng = countingRng('file test');
const path = () => join(folder.path, 'wallet.db');
const order = () => ({ manifest: manifestOf(caller.did, executor.did, rng), budget: 1_000n });

async function openWallet(seed = 'file'): Promise<Wallet> {
  const wallet = await walletOn(await openFileStore(path()), { rng: countingRng(seed) });
  open.push(wallet);
  return wallet;
}

test('channels, conditions, vouchers and what is undelivered survive a restart', async () => {
  const wallet = await openWallet();
  const channel = await withChannel(wallet);
  const paid = unwrap(await wallet.reserve(order()));
  const inFlight = unwrap(await wallet.reserve(order()));
  const voucher = unwrap(await wallet.pay(paid.task, await receiptOf(paid, executor)));
  const before = await wallet.channel(channel.ch);
  await wallet.close();

  const again = await openWallet();
  expect(await again.channel(channel.ch)).toEqual(before);
  const pending = await again.pending();
  expect(new Set(pending.map(({ task }) => task))).toEqual(new Set([paid.task, inFlight.task]));
  expect(pending.find(({ task }) => task === paid.task)).toMatchObject({
    voucher,
    delivered: false,
  });
  expect(await again.spentToday()).toBe(1_102n);
  unwrap(await again.delivered(paid.task));
  expect((await again.pending()).map(({ task }) => task)).toEqual([inFlight.task]);
  expect((await again.task(paid.task))?.price).toBe(102n);
});

test('two processes on one wallet never promise more than the fund', async () => {
  const one = await openWallet('one');
  const channel = await withChannel(one, 3_000n);
  const two = await openWallet('two');
  const results = await Promise.all(
    [one, two, one, two, one, two].map((wallet) => wallet.reserve(order())),
  );
  expect(results.filter(({ ok }) => ok)).toHaveLength(3);
  const lanes = results.flatMap((result) => (result.ok ? [result.value.lane] : []));
  expect(new Set(lanes)).toEqual(new Set([1, 2, 3]));
  expect(results.find(({ ok }) => !ok)).toMatchObject({ code: 'fund-exceeded' });
  expect(Object.keys((await two.channel(channel.ch))?.budget.lanes ?? {})).toHaveLength(3);
});

test.each([
  ['a lane is lowered', 'UPDATE lane SET cum = cum - 1', 'lane-backwards'],
  ['a lane rises over the fund', 'UPDATE lane SET cum = 10001', 'lane-over-fund'],
  [
    'a condition goes over the fund',
    'UPDATE lane SET cond_base = 9500, cond_cap = 501',
    'lane-over-fund',
  ],
  [
    'a paid task gets another price',
    "UPDATE task SET price = 1 WHERE state = 'paid'",
    'task-final',
  ],
  ['a paid task is opened again', "UPDATE task SET state = 'offered'", 'task-final'],
  ['a fund is edited', 'UPDATE channel SET fund = 99999', 'channel-terms'],
  [
    'the wallet is given to another key',
    "UPDATE wallet SET did = 'x', version = version + 1",
    'wallet-stale',
  ],
])('the file itself refuses when %s', async (_, sql, message) => {
  const wallet = await openWallet();
  await withChannel(wallet);
  const reserved = unwrap(await wallet.reserve(order()));
  unwrap(await wallet.pay(reserved.task, await receiptOf(reserved, executor)));
  const client = createClient({ url: `file:${path()}` });
  await expect(client.execute(sql)).rejects.toThrow(message);
  client.close();
});

test('a file that is no wallet is refused with its name', async () => {
  const client = createClient({ url: `file:${path()}` });
  await client.execute('PRAGMA user_version = 99');
  client.close();
  await expect(openFileStore(path())).rejects.toThrow(WalletFileError);
  await expect(openFileStore(join(folder.path, 'missing', 'w.db'))).rejects.toThrow(
    WalletFileError,
  );
});

test('a wallet of an earlier version keeps what it holds', async () => {
  const wallet = await openWallet();
  const { ch } = await withChannel(wallet);
  const { task } = unwrap(await wallet.reserve(order()));
  await wallet.close();
  // As version 1 left it.
  const client = createClient({ url: `file:${path()}` });
  await client.batch(
    [
      'DROP INDEX task_unfinished',
      'CREATE INDEX task_pending ON task (state, delivered)',
      'PRAGMA user_version = 1',
    ],
    'write',
  );
  client.close();
  // Two processes meet it at once.
  const [one, two] = await Promise.all([openWallet('one'), openWallet('two')]);
  expect((await one.pending()).map((pending) => pending.task)).toEqual([task]);
  expect((await two.channel(ch))?.budget.lanes).toHaveProperty('1');
});

test('a wallet opens without reading all that it ever paid', async () => {
  await (await openWallet()).close();
  const client = createClient({ url: `file:${path()}` });
  const sql = `EXPLAIN QUERY PLAN SELECT * FROM task WHERE ${UNFINISHED}`;
  const { rows } = await client.execute(sql);
  expect(rows.map(({ detail }) => detail)).toEqual(['SCAN task USING INDEX task_unfinished']);
  client.close();
});
