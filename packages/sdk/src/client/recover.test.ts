import { idOf, taskReceiptSchema } from '@zerostate/shared';
import { expect, test } from 'vitest';
import { clientOf, edgeWith, hello } from '../testing/client.ts';
import { TEST_NETWORK, type TestEdge } from '../testing/edge.ts';
import { claimOf, unwrap } from '../testing/parties.ts';
import { watchedStore } from '../testing/wallets.ts';
import { createMemoryStore } from '../wallet/memory-store.ts';
import type { WalletTask } from '../wallet/model.ts';
import type { WalletStore } from '../wallet/store.ts';

test('a voucher that did not arrive is sent at the next start, and the price is paid once', async () => {
  const edge = await edgeWith({});
  const store = createMemoryStore();
  const client = await clientOf(edge, store);
  edge.faults.push({ method: 'POST', part: '/vouchers', fault: 'cut' });
  expect(unwrap(await client.run(hello)).delivered).toBe(false);
  edge.faults.pop();
  const again = await clientOf(edge, store);
  expect(again.recovered).toMatchObject([{ state: 'delivered' }]);
  expect(edge.vouchers).toHaveLength(1);
  expect((await clientOf(edge, store)).recovered).toEqual([]);
});

test('tasks that were turned down ask nothing of anybody at the next start', async () => {
  const edge = await edgeWith({ reject: { code: 'busy' } });
  const store = createMemoryStore();
  const client = await clientOf(edge, store);
  for (let i = 0; i < 3; i++) await client.run(hello);
  const before = edge.seen.length;
  const { recovered } = await clientOf(edge, store);
  expect(recovered.map(({ state }) => state)).toEqual(['withdrawn', 'withdrawn', 'withdrawn']);
  const asked = edge.seen.slice(before).map(({ path }) => path);
  expect(asked.filter((path) => path.includes('/tasks'))).toEqual([]);
});

test.each([
  ['the channel proposal', 1],
  ['the channel', 2],
  ['the signed task', 3],
  ['the voucher', 4],
])(
  'a crash right after %s was written down is answered for at the next start',
  async (_, commits) => {
    const edge = await edgeWith({});
    const store = createMemoryStore();
    const crashing = watchedStore(store);
    let left = commits;
    const counted: WalletStore = {
      ...crashing,
      async commit(...args) {
        left--;
        if (left === 0) crashing.crashNext = true;
        return crashing.commit(...args);
      },
    };
    const client = await clientOf(edge, counted);
    await expect(client.run(hello)).rejects.toThrow('crashed after the commit');
    const again = await clientOf(edge, store);
    const pending = await again.wallet.pending();
    expect(pending.filter(({ state }) => state === 'paid')).toEqual([]);
    const before = edge.vouchers.length;
    unwrap(await again.run(hello));
    expect(edge.vouchers).toHaveLength(before + 1);
    const cums = edge.vouchers.map(({ body }) => BigInt(body.cum));
    expect(cums).toEqual([...cums].sort((x, y) => (x < y ? -1 : 1)));
  },
);

test('a result that came while nobody waited is checked and paid at the next start', async () => {
  const edge = await edgeWith({});
  const store = createMemoryStore();
  const client = await clientOf(edge, store);
  edge.faults.push({ method: 'GET', part: '/tasks/', fault: 'cut' });
  expect(await client.run(hello)).toMatchObject({ ok: false, code: 'edge-unreachable' });
  edge.faults.pop();
  const again = await clientOf(edge, store);
  expect(again.recovered).toMatchObject([{ state: 'paid' }]);
  expect(edge.vouchers).toHaveLength(1);
});

test('a wrong result that came while nobody waited is objected to at the next start', async () => {
  const edge = await edgeWith({ lie: (receipt) => ({ ...receipt, status: 'exit:1' }) });
  const store = createMemoryStore();
  const client = await clientOf(edge, store);
  edge.faults.push({ method: 'GET', part: '/tasks/', fault: 'cut' });
  await client.run(hello);
  edge.faults.pop();
  expect((await clientOf(edge, store)).recovered).toMatchObject([{ state: 'objected' }]);
  expect(edge.objections).toHaveLength(1);
  expect(edge.vouchers).toEqual([]);
});

test.each([
  ['wrong', { status: 'exit:1' as const }, 'objected'],
  ['right', {}, 'open'],
])(
  'a %s receipt that was claimed and never sent is looked at all the same',
  async (_, lie, state) => {
    const edge = await edgeWith({ lie: (receipt) => ({ ...receipt, ...lie }) });
    const store = createMemoryStore();
    const client = await clientOf(edge, store);
    edge.faults.push({ method: 'GET', part: '/tasks/', fault: 'cut' });
    await client.run(hello);
    edge.faults.pop();
    const [open] = await client.wallet.pending();
    const task = await client.wallet.task(open?.task ?? '');
    if (task === null) throw new Error('the task is not kept');
    claimUnsent(edge, task);
    expect((await clientOf(edge, store)).recovered).toMatchObject([{ state }]);
    expect(edge.objections).toHaveLength(state === 'objected' ? 1 : 0);
    expect(edge.vouchers).toEqual([]);
  },
);

/** The executor puts its output, and claims by a receipt that only the ledger was shown. */
function claimUnsent(edge: TestEdge, task: WalletTask): void {
  const answer = edge.tasks.get(task.task);
  const channel = edge.channels.get(task.ch);
  if (answer?.receipt == null || channel === undefined) throw new Error('no receipt was made');
  const { receipt, output } = answer;
  const { output: hash } = taskReceiptSchema.parse(receipt.body);
  edge.blobs.set(hash, Buffer.from(output ?? '', 'base64url'));
  const id = idOf(TEST_NETWORK, 'task.receipt', receipt.body);
  edge.tasks.set(task.task, { ...answer, state: 'accepted', receipt: null, output: null });
  const { executor } = task.manifest.body;
  const shown = {
    id,
    task: task.task,
    executor,
    receipt,
    counted: 'no',
    state: 'claimed',
  } as const;
  edge.receipts.set(id, shown);
  const { dir } = task.cond.body;
  const claim = claimOf({ ch: task.ch, budget: { dir } }, task, { receipt: id });
  edge.channels.set(task.ch, { ...channel, claims: [claim], version: channel.version + 1 });
}
