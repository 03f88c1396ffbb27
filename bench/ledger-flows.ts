import { cosign, sealEnvelope } from '@zerostate/shared';
import { openOrder } from '../apps/edge/src/ledger/orders.ts';
import { sweep } from '../apps/edge/src/sweep/sweep.ts';
import {
  type BenchChannel,
  type BenchLedger,
  createBenchLedger,
  figure,
  openChannels,
} from './ledger-world.ts';
import { type BenchResult, median } from './report.ts';

type Voucher = Awaited<ReturnType<typeof signVoucher>>;

function signVoucher(world: BenchLedger, on: BenchChannel, lane: number, cum: number) {
  const body = { ch: on.ch, dir: on.dir, lane: String(lane), cum: String(cum), memo: '' };
  return sealEnvelope(world.network, 'paych.voucher', body, world.payer);
}

/** Parse, canonical form, signature and rule, 64 in flight. */
export async function voucherChecks(): Promise<BenchResult> {
  const world = await createBenchLedger();
  try {
    const [on] = await openChannels(world, 1, 1_000_000n);
    if (on === undefined) throw new Error('no channel');
    const texts = await Promise.all(
      Array.from({ length: 4_000 }, async (_, n) => {
        const { type, body, sigs } = await signVoucher(world, on, n % 256, n + 1);
        return JSON.stringify({ type, body, sigs });
      }),
    );
    const rates: number[] = [];
    for (let round = 0; round < 3; round++) {
      const start = performance.now();
      await inFlight(texts, 64, async (text) => {
        const opened = await openOrder(world.ports, 'paych.voucher', JSON.parse(text), {
          by: () => [world.payer.did],
          maxSigs: 1,
        });
        if (!opened.ok) throw new Error(opened.code);
      });
      rates.push(texts.length / ((performance.now() - start) / 1_000));
    }
    const value = figure(median(rates));
    return { name: 'voucher.check_per_s', value, unit: '1/s', better: 'higher' };
  } finally {
    await world.close();
  }
}

async function inFlight<T>(items: readonly T[], width: number, work: (item: T) => Promise<void>) {
  let next = 0;
  const worker = async () => {
    for (let item = items[next++]; item !== undefined; item = items[next++]) await work(item);
  };
  await Promise.all(Array.from({ length: width }, worker));
}

/** A thousand channels with both signatures, closed as the requests come: they share commits. */
export async function closeThousand(): Promise<BenchResult> {
  const world = await createBenchLedger();
  try {
    const channels = await openChannels(world, 1_000, 100n);
    const closes = await Promise.all(
      channels.map(async ({ ch, dir }) => {
        const cum = dir === 'a' ? { cum_a: '60', cum_b: '0' } : { cum_a: '0', cum_b: '60' };
        const body = { ch, ...cum, not_after: String(Date.now() + 600_000) };
        const one = await sealEnvelope(world.network, 'paych.close', body, world.payer);
        return cosign(world.network, one, world.payee);
      }),
    );
    const start = performance.now();
    const results = await Promise.all(
      closes.map((close) => world.ledger.closeChannel(close, null)),
    );
    const value = figure((performance.now() - start) / 1_000);
    const failed = results.find(({ ok }) => !ok);
    if (failed !== undefined) throw new Error('a channel did not close');
    return { name: 'close1000.s', value, unit: 's', better: 'lower' };
  } finally {
    await world.close();
  }
}

const CHANNELS = 500;
const PAYMENTS = 200;

/** Each payment signed by its payer and checked by its payee; the last of each lane is settled. */
export async function hundredThousandPayments(): Promise<BenchResult> {
  const world = await createBenchLedger();
  try {
    const channels = await openChannels(world, CHANNELS, BigInt(PAYMENTS));
    const start = performance.now();
    await inFlight(channels, 64, async (on) => {
      let newest: Voucher | null = null;
      for (let n = 1; n <= PAYMENTS; n++) {
        newest = await signVoucher(world, on, 0, n);
        const opened = await openOrder(world.ports, 'paych.voucher', newest, {
          by: () => [world.payer.did],
          maxSigs: 1,
        });
        if (!opened.ok) throw new Error(opened.code);
      }
      if (newest === null) return;
      const held = await world.ledger.redeem([{ voucher: newest }], null);
      if (!held.ok || held.value.refused.length > 0) throw new Error('a payment was refused');
    });
    const value = figure((performance.now() - start) / 1_000);
    await sweep({ ledger: world.ports, failOverdue: async () => 0, holder: 'bench' });
    const sums = await world.ledger.conservation();
    if (!sums.ok || sums.value.difference !== '0') throw new Error('money was made or lost');
    return { name: 'payments100k.s', value, unit: 's', better: 'lower' };
  } finally {
    await world.close();
  }
}
