/** What an executor and its edge make of each other's bad days, between real processes. */
import { execFile } from 'node:child_process';
import { copyFile, rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import type { TaskManifest } from '@zerostate/shared';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { layout } from '../../scripts/start/state.ts';
import {
  type Channel,
  type DisputeNetwork,
  helloTerms,
  must,
  openChannel,
  order,
  type Party,
  receiptOf,
  startDisputeNetwork,
  until,
} from './dispute-network.ts';
import { type LyingExecutor, startLyingExecutor } from './lying-executor.ts';

let network: DisputeNetwork;
let creator: Party;
let executor: Party;
let node: LyingExecutor;
let channel: Channel;
let manifest: Partial<TaskManifest>;
beforeAll(async () => {
  network = await startDisputeNetwork();
  creator = await network.party('creator');
  executor = await network.party('executor');
  node = await startLyingExecutor(executor, ['hello']);
  channel = await openChannel(creator, executor);
  manifest = await helloTerms();
});
afterAll(async () => {
  await node.stop();
  await network.stop();
});

const ordered = (lane: string) =>
  order(creator, executor, channel, { lane, input: new Uint8Array(0), manifest });

/** By a process of its own: no handle of this one may write into the file that is put back. */
async function copyDatabase(from: string, to: string): Promise<void> {
  const script = `
    import { createClient } from '@libsql/client';
    await createClient({ url: 'file:' + process.argv[1] }).execute("VACUUM INTO '" + process.argv[2] + "'");
  `;
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, from, to]);
}

test('a task that its executor gives up ends at once for its caller, and counts against it', async () => {
  node.fault = 'worker-died';
  const { id } = await ordered('1');
  const answer = await until(async () => {
    const read = must(await creator.edge.task(id, { waitMs: 5_000 }));
    return read.reject === null ? undefined : read;
  });
  expect(answer).toMatchObject({ reject: { code: 'worker-died' }, receipt: null });
  expect(answer.accept).not.toBeNull();
  node.fault = null;
  const { failed } = must(await creator.edge.reputation(executor.did));
  expect(failed).toBe(1);
  // The condition is dead for the executor: its lane takes the next task.
  const next = await ordered('1');
  expect((await receiptOf(creator, next.id)).body.status).toBe('ok');
});

test('an executor hears of new tasks after its edge went back to an older directory', async () => {
  const { directory } = layout(network.state);
  const copy = `${directory}.copy`;
  await copyDatabase(directory, copy);
  // Offers that the executor acknowledges, and the copy does not know of.
  const lost: string[] = [];
  for (const lane of ['2', '3', '4']) lost.push((await ordered(lane)).id);
  for (const task of lost) await receiptOf(creator, task);
  await network.restartEdge(async () => {
    for (const end of ['-wal', '-shm']) await rm(`${directory}${end}`, { force: true });
    await copyFile(copy, directory);
  });
  await until(async () => {
    const card = await creator.edge.card(executor.did, 'hello');
    return card.ok && card.value.online;
  });
  for (const task of lost) {
    expect(await creator.edge.task(task)).toMatchObject({ code: 'task-unknown' });
  }
  const { id } = await ordered('5');
  expect((await receiptOf(creator, id)).body.status).toBe('ok');
});
