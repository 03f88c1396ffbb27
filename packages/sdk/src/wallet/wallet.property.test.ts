import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import {
  channelAnswerOf,
  claimOf,
  countingRng,
  handClock,
  manifestOf,
  receiptOf,
} from '../testing/parties.ts';
import {
  caller,
  executor,
  temporaryFolder,
  walletOn,
  watchedStore,
  withChannel,
} from '../testing/wallets.ts';
import { openFileStore } from './adapters/file-store.ts';
import { createMemoryStore } from './memory-store.ts';
import type { WalletTask } from './model.ts';
import type { WalletStore } from './store.ts';
import type { Wallet } from './wallet.ts';

const FUND = 4_000n;

type Step =
  | { kind: 'reserve'; cap: number }
  | { kind: 'pay' | 'object' | 'withdraw' | 'lapse' | 'delivered'; pick: number; pages: number }
  | { kind: 'claim'; pick: number; state: 'pending' | 'posted' | 'voided'; price: number }
  | { kind: 'advance'; minutes: number }
  | { kind: 'restart' };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('reserve' as const),
      cap: fc.integer({ min: 200, max: 2_000 }),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom(
        'pay' as const,
        'object' as const,
        'withdraw' as const,
        'lapse' as const,
        'delivered' as const,
      ),
      pick: fc.nat(20),
      pages: fc.nat(16),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      pick: fc.nat(20),
      state: fc.constantFrom('pending' as const, 'posted' as const, 'voided' as const),
      price: fc.nat(3_000),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('advance' as const), minutes: fc.nat(30) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const) }) },
);

/** A history: steps, each of which may end in a crash right after its commit. */
const history = fc.array(fc.tuple(step, fc.boolean()), { minLength: 10, maxLength: 60 });

/** Everything the wallet ever signed, as a dishonest executor would keep it. */
class Released {
  readonly cums = new Map<number, bigint>();
  readonly paid = new Map<string, string>();
  readonly tasks = new Map<string, WalletTask>();

  see(task: WalletTask): void {
    this.tasks.set(task.task, task);
    if (task.voucher === null) return;
    const { lane, cum } = task.voucher.body;
    const before = this.paid.get(task.task);
    expect(before === undefined || before === task.receiptId, 'one receipt a task').toBe(true);
    if (before !== undefined || task.receiptId === null) return;
    expect([...this.paid.values()], 'one task a receipt').not.toContain(task.receiptId);
    this.paid.set(task.task, task.receiptId);
    expect(BigInt(cum), 'a lane only rises').toBeGreaterThan(this.cums.get(Number(lane)) ?? 0n);
    this.cums.set(Number(lane), BigInt(cum));
  }

  /** The most all that paper could be turned into. */
  worth(now: number): bigint {
    const most = new Map(this.cums);
    for (const { lane, state, base, cap, price, notAfter } of this.tasks.values()) {
      const isDead = state === 'lapsed' || (state !== 'claimed' && now > notAfter + 60_000);
      const due = state === 'claimed' ? base + (price ?? 0n) : isDead ? 0n : base + cap;
      const isOpen = ['offered', 'withdrawn', 'objected', 'claimed'].includes(state);
      if (isOpen && due > (most.get(lane) ?? 0n)) most.set(lane, due);
    }
    return [...most.values()].reduce((sum, amount) => sum + amount, 0n);
  }
}

async function replay(store: WalletStore, steps: [Step, boolean][]): Promise<void> {
  const clock = handClock();
  const rng = countingRng('property');
  const watched = watchedStore(store);
  const released = new Released();
  let wallet = await walletOn(watched, { clock, rng });
  const { ch } = await withChannel(wallet, FUND);
  for (const [move, crashes] of steps) {
    watched.crashNext = crashes;
    try {
      await act(wallet, ch, move, clock, rng);
    } catch (error) {
      if (!(error instanceof Error) || error.message !== 'crashed after the commit') throw error;
    }
    watched.crashNext = false;
    if (crashes || move.kind === 'restart') wallet = await walletOn(watched, { clock, rng });
    for (const task of await wallet.tasks(1_000)) released.see(task);
    expect(released.worth(clock.now()), 'never beyond the fund').toBeLessThanOrEqual(FUND);
  }
}

async function act(
  wallet: Wallet,
  ch: string,
  move: Step,
  clock: ReturnType<typeof handClock>,
  rng: ReturnType<typeof countingRng>,
): Promise<void> {
  if (move.kind === 'advance') return clock.advance(move.minutes * 60_000);
  if (move.kind === 'restart') return;
  if (move.kind === 'reserve') {
    const notAfter = String(clock.now() + 5 * 60_000);
    const changes = { price_max: String(move.cap), not_after: notAfter };
    await wallet.reserve({
      manifest: manifestOf(caller.did, executor.did, rng, changes),
      budget: BigInt(move.cap),
    });
    return;
  }
  const tasks = (await wallet.tasks(1_000)).sort((x, y) => (x.task < y.task ? -1 : 1));
  const task = tasks[move.pick % Math.max(1, tasks.length)];
  if (task === undefined) return;
  if (move.kind === 'claim') {
    const channel = await wallet.channel(ch);
    if (channel === null) throw new Error('the channel is gone');
    const claim = claimOf(channel, task, { state: move.state, price: String(move.price) });
    await wallet.syncChannel(channelAnswerOf(channel, { claims: [claim] }));
    return;
  }
  const due = BigInt(100 + move.pages);
  const price = String(due < task.cap ? due : task.cap);
  const receipt = await receiptOf(task, executor, { pages_peak: String(move.pages), price });
  if (move.kind === 'pay') await wallet.pay(task.task, receipt);
  if (move.kind === 'object') await wallet.object(task.task, receipt, { reason: 'gas-differs' });
  if (move.kind === 'withdraw') await wallet.withdraw(task.task);
  if (move.kind === 'lapse') await wallet.lapse(task.task);
  if (move.kind === 'delivered') await wallet.delivered(task.task);
}

const folder = await temporaryFolder();
afterAll(folder.remove);

test('whatever happens, and wherever it crashes, a wallet never signs backwards, over its fund or twice', async () => {
  await fc.assert(
    fc.asyncProperty(history, (steps) => replay(createMemoryStore(), steps)),
    { numRuns: 150 },
  );
});

test('the same holds for a wallet in a file, and its triggers never fire', async () => {
  let files = 0;
  await fc.assert(
    fc.asyncProperty(history, async (steps) => {
      const store = await openFileStore(`${folder.path}/${files++}.db`);
      try {
        await replay(store, steps);
      } finally {
        await store.close();
      }
    }),
    { numRuns: 8 },
  );
});
