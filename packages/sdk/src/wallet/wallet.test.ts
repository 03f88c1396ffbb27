import { expect, test } from 'vitest';
import {
  channelAnswerOf,
  claimOf,
  countingRng,
  HOUR,
  handClock,
  manifestOf,
  NETWORK,
  receiptOf,
  START,
  signerOf,
  unwrap,
} from '../testing/parties.ts';
import { caller, executor, walletOn, withChannel } from '../testing/wallets.ts';
import { createMemoryStore } from './memory-store.ts';
import { createWallet, type SpendingLimits, type Wallet } from './wallet.ts';

const rng = countingRng('wallet test');
const order = (changes = {}, budget = 1_000n) => ({
  manifest: manifestOf(caller.did, executor.did, rng, changes),
  budget,
});

async function ready(limits?: SpendingLimits, fund = 10_000n) {
  const clock = handClock();
  const store = createMemoryStore();
  const wallet = await walletOn(store, { clock, ...(limits === undefined ? {} : { limits }) });
  return { clock, store, wallet, channel: await withChannel(wallet, fund) };
}

async function task(wallet: Wallet, changes = {}) {
  return unwrap(await wallet.reserve(order(changes)));
}

test('a paid receipt moves base + price on its lane, and the next task starts from there', async () => {
  const { wallet } = await ready();
  const first = await task(wallet);
  expect(first.cond.body).toMatchObject({ lane: '1', base: '0', cap: '1000' });
  const voucher = unwrap(await wallet.pay(first.task, await receiptOf(first, executor)));
  expect(voucher?.body).toMatchObject({ lane: '1', cum: '102' });
  const second = await task(wallet);
  expect(second.cond.body).toMatchObject({ lane: '1', base: '102' });
});

test('tasks in parallel take separate lanes', async () => {
  const { wallet } = await ready();
  const lanes = await Promise.all([task(wallet), task(wallet), task(wallet)]);
  expect(lanes.map(({ lane }) => lane)).toEqual([1, 2, 3]);
});

test('one receipt is paid once: asking again gives the same voucher', async () => {
  const { wallet } = await ready();
  const reserved = await task(wallet);
  const receipt = await receiptOf(reserved, executor);
  const once = await wallet.pay(reserved.task, receipt);
  expect(await wallet.pay(reserved.task, receipt)).toEqual(once);
  unwrap(await wallet.delivered(reserved.task));
  expect(await wallet.pay(reserved.task, receipt)).toEqual(once);
});

test('a voucher that the edge has is known as delivered before that is written', async () => {
  const { wallet } = await ready();
  const reserved = await task(wallet);
  unwrap(await wallet.pay(reserved.task, await receiptOf(reserved, executor)));
  expect(await wallet.task(reserved.task)).toMatchObject({ state: 'paid', delivered: false });
  unwrap(await wallet.delivered(reserved.task));
  expect(await wallet.task(reserved.task)).toMatchObject({ state: 'paid', delivered: true });
  expect(await wallet.tasks(1)).toMatchObject([{ delivered: true }]);
});

test('a second receipt of one task is never paid', async () => {
  const { wallet } = await ready();
  const reserved = await task(wallet);
  unwrap(await wallet.pay(reserved.task, await receiptOf(reserved, executor)));
  const other = await receiptOf(reserved, executor, { pages_peak: '3', price: '103' });
  expect(await wallet.pay(reserved.task, other)).toMatchObject({ code: 'receipt-second' });
});

test.each([
  ['price above its usage', { price: '103' }, 'price-wrong'],
  ['price below its usage', { price: '101' }, 'price-wrong'],
  ['another lane', { lane: '2' }, 'terms-wrong'],
  ['another task', { task: `${'B'.repeat(42)}A` }, 'terms-wrong'],
  ['more gas than was ordered', { gas: '1000001' }, 'terms-wrong'],
  ['more pages than were ordered', { pages_peak: '17', price: '117' }, 'terms-wrong'],
  ['more output than was ordered', { output_len: '65537' }, 'terms-wrong'],
])('a receipt with %s is not paid', async (_, changes, code) => {
  const { wallet } = await ready();
  const reserved = await task(wallet);
  const receipt = await receiptOf(reserved, executor, changes);
  expect(await wallet.pay(reserved.task, receipt)).toMatchObject({ ok: false, code });
  expect((await wallet.task(reserved.task))?.state).toBe('offered');
});

test('a receipt that was objected to is not paid afterwards', async () => {
  const { wallet } = await ready();
  const reserved = await task(wallet);
  const receipt = await receiptOf(reserved, executor);
  unwrap(await wallet.object(reserved.task, receipt, { reason: 'output-differs' }));
  expect(await wallet.pay(reserved.task, receipt)).toMatchObject({ code: 'task-objected' });
});

test('a task over its budget, or over the budget of the day, is not signed', async () => {
  const { wallet, clock } = await ready({ perTask: 1_000n, perDay: 2_500n });
  const over = await wallet.reserve(order({ price_max: '1001' }, 5_000n));
  expect(over).toMatchObject({ code: 'budget-task-exceeded' });
  expect(await wallet.reserve(order({}, 999n))).toMatchObject({ code: 'budget-task-exceeded' });
  const first = await task(wallet);
  await task(wallet);
  expect(await wallet.reserve(order())).toMatchObject({ code: 'budget-day-exceeded' });
  // What was paid counts instead of what could have been asked.
  unwrap(await wallet.pay(first.task, await receiptOf(first, executor)));
  expect(await wallet.spentToday()).toBe(1_102n);
  await task(wallet);
  expect(await wallet.reserve(order())).toMatchObject({ code: 'budget-day-exceeded' });
  clock.advance(24 * HOUR);
  const tomorrow = { not_after: String(clock.now() + HOUR) };
  expect((await wallet.reserve(order(tomorrow))).ok).toBe(true);
});

test('conditions never promise more than the fund, withdrawn ones included', async () => {
  const { wallet } = await ready(undefined, 2_000n);
  const first = await task(wallet);
  unwrap(await wallet.withdraw(first.task));
  // The same lane again: of two conds with one base only the higher can be paid.
  expect((await task(wallet, { price_max: '500' })).lane).toBe(first.lane);
  await task(wallet);
  expect(await wallet.reserve(order({ price_max: '500' }))).toMatchObject({
    code: 'fund-exceeded',
  });
});

test('a dead condition frees its lane only after a look at the ledger', async () => {
  const { wallet, clock, channel } = await ready();
  const first = await task(wallet);
  clock.advance(2 * HOUR);
  const later = { not_after: String(clock.now() + HOUR / 2) };
  expect((await task(wallet, later)).lane).toBe(2);
  unwrap(await wallet.syncChannel(channelAnswerOf(channel)));
  unwrap(await wallet.lapse(first.task));
  expect((await task(wallet, later)).lane).toBe(1);
});

test('a condition that can still be claimed does not lapse', async () => {
  const { wallet, clock } = await ready();
  const reserved = await task(wallet);
  clock.advance(15 * 60_000);
  expect(await wallet.lapse(reserved.task)).toMatchObject({ code: 'task-live' });
});

test('a posted claim settles its task and raises its lane', async () => {
  const { wallet, channel } = await ready();
  const reserved = await task(wallet);
  const row = await wallet.task(reserved.task);
  if (row === null) throw new Error('no task');
  const claims = [claimOf(channel, row, { state: 'posted', price: '400' })];
  unwrap(await wallet.syncChannel(channelAnswerOf(channel, { claims })));
  expect(await wallet.task(reserved.task)).toMatchObject({ state: 'claimed', price: 400n });
  expect((await task(wallet)).cond.body).toMatchObject({ lane: '1', base: '400' });
  const receipt = await receiptOf(reserved, executor);
  expect(await wallet.pay(reserved.task, receipt)).toMatchObject({ code: 'task-settled' });
});

test('while a claim is on file its lane is busy and no voucher is signed beside it', async () => {
  const { wallet, channel } = await ready();
  const reserved = await task(wallet);
  const row = await wallet.task(reserved.task);
  if (row === null) throw new Error('no task');
  unwrap(await wallet.syncChannel(channelAnswerOf(channel, { claims: [claimOf(channel, row)] })));
  const receipt = await receiptOf(reserved, executor);
  expect(await wallet.pay(reserved.task, receipt)).toMatchObject({ code: 'claim-filed' });
  expect((await task(wallet)).lane).toBe(2);
});

test('an edge that invents a total cannot make the next condition start from it', async () => {
  const { wallet, channel } = await ready();
  const { dir } = channel.budget;
  const lanes = [{ dir, lane: 1, cum: '9000', memo: '' }];
  unwrap(await wallet.syncChannel(channelAnswerOf(channel, { lanes, fund_a: '99', fund_b: '99' })));
  expect((await task(wallet)).cond.body).toMatchObject({ lane: '1', base: '0' });
  expect((await wallet.channel(channel.ch))?.budget.fund).toBe(10_000n);
});

test('a closed channel stays closed, whatever a lagging edge says', async () => {
  const { wallet, channel } = await ready();
  unwrap(await wallet.syncChannel(channelAnswerOf(channel, { state: 'closed' })));
  unwrap(await wallet.syncChannel(channelAnswerOf(channel)));
  expect(await wallet.reserve(order())).toMatchObject({ code: 'channel-missing' });
});

test('closing signs the paid totals, and nothing more is signed in the channel', async () => {
  const { wallet, channel } = await ready();
  const reserved = await task(wallet);
  const terms = { cumPeer: 0n, notAfter: START + HOUR };
  expect(await wallet.closeChannel(channel.ch, terms)).toMatchObject({ code: 'conds-open' });
  unwrap(await wallet.pay(reserved.task, await receiptOf(reserved, executor)));
  const close = unwrap(await wallet.closeChannel(channel.ch, terms));
  const { dir } = channel.budget;
  expect(dir === 'a' ? close.body.cum_a : close.body.cum_b).toBe('102');
  expect(await wallet.reserve(order())).toMatchObject({ code: 'channel-closing' });
});

test('a task that could outlive the window of the channel is not signed', async () => {
  const { wallet } = await ready();
  const result = await wallet.reserve(order({ wall_ms_max: String(HOUR) }));
  expect(result).toMatchObject({ code: 'wall-exceeds-window' });
});

test('a receipt without a price settles its task without a voucher', async () => {
  const { wallet } = await ready();
  const reserved = await task(wallet, { price_base: '0', price_per_page: '0' });
  const receipt = await receiptOf(reserved, executor, { price: '0' });
  expect(await wallet.pay(reserved.task, receipt)).toEqual({ ok: true, value: null });
  expect(await wallet.pending()).toEqual([]);
});

test('a wallet opens for its own key and network alone', async () => {
  const { store } = await ready();
  const clock = handClock();
  const other = await signerOf('somebody else');
  expect(await createWallet({ store, signer: other, network: NETWORK, clock, rng })).toMatchObject({
    code: 'wallet-of-another-identity',
  });
  const network = 'zs-bbbbbbbbbbbbbbbb';
  expect(await createWallet({ store, signer: caller, network, clock, rng })).toMatchObject({
    code: 'wallet-of-another-network',
  });
});
