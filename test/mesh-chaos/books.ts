/** What everybody wrote down of the money, side by side. */
import { readFile } from 'node:fs/promises';
import { setTimeout as pause } from 'node:timers/promises';
import {
  channelAnswerSchema,
  conservationAnswerSchema,
  transferListAnswerSchema,
} from '@zerostate/shared';
import { expect } from 'vitest';
import { z } from 'zod';
import { ask } from '../../apps/executor-node/src/cli/ask.ts';
import { get } from '../chaos/payer.ts';
import { must } from '../integration/dispute-network.ts';
import type { Row } from './caller.ts';
import type { Executor } from './nodes.ts';

/** A bound against hanging: everything is redeemed long before. */
const LOOKS_MAX = 600;
const LOOK_MS = 200;

const earningsSchema = z.looseObject({
  total: z.string(),
  held: z.string(),
  earnings: z.array(
    z.looseObject({
      ch: z.string(),
      amount: z.string(),
      receipts: z.array(z.looseObject({ id: z.string(), task: z.string() })),
    }),
  ),
});
type Earnings = z.infer<typeof earningsSchema>;

export interface Books {
  /** Tasks that were paid, and what for. */
  readonly tasks: number;
  readonly paid: bigint;
  /** Tasks that came to nothing, of which an executor has done the work. */
  readonly givenUp: number;
  readonly givenUpDone: number;
}

/** Asserts that each task was run and paid at most once, and that all books say the same. */
export async function balance(
  url: string,
  executors: readonly Executor[],
  rows: readonly Row[],
): Promise<Books> {
  const paid = rows.filter(({ state }) => state === 'paid');
  const others = rows.filter(({ state }) => state !== 'paid');
  expect(others.map(({ state }) => state).filter((each) => each !== 'withdrawn')).toEqual([]);
  const due = sum(paid.map(({ price }) => price));
  expect(new Set(paid.map(({ receipt }) => receipt)).size).toBe(paid.length);

  const runs = await runsOf(executors);
  expect([...runs].filter(([, count]) => count > 1)).toEqual([]);
  expect(paid.map(({ task }) => task).filter((task) => !runs.has(task))).toEqual([]);

  // Its own income and nothing else, receipt by receipt.
  for (const executor of executors) {
    const own = paid.filter((row) => row.executor === executor.did);
    const earned = await earnedBy(executor, sum(own.map(({ price }) => price)));
    expect([executor.name, earned.total, earned.held]).toEqual([
      executor.name,
      String(sum(own.map(({ price }) => price))),
      '0',
    ]);
    const receipts = earned.earnings.flatMap((each) => each.receipts.map(({ id }) => id));
    expect(receipts.toSorted()).toEqual(own.map(({ receipt }) => receipt).toSorted());
  }

  const channels = new Set(rows.map(({ ch }) => ch));
  for (const ch of channels) await balanceChannel(url, ch, paid);
  expect(await redeemed(url, channels)).toBe(due);
  const conservation = await get(url, '/v1/ledger/conservation');
  expect(conservationAnswerSchema.parse(conservation).difference).toBe('0');
  const givenUpDone = others.filter(({ task }) => runs.has(task)).length;
  return { tasks: paid.length, paid: due, givenUp: others.length, givenUpDone };
}

/** Each lane of the ledger is at what the caller's last voucher says, and no claim is there. */
async function balanceChannel(url: string, ch: string, paid: readonly Row[]): Promise<void> {
  const { lanes, claims } = channelAnswerSchema.parse(await get(url, `/v1/channels/${ch}`));
  expect([ch, claims]).toEqual([ch, []]);
  const own = Map.groupBy(
    paid.filter((row) => row.ch === ch),
    ({ lane }) => lane,
  );
  const told = Object.fromEntries(lanes.map(({ lane, cum }) => [lane, BigInt(cum)]));
  const signed: Record<string, bigint> = {};
  for (const [lane, rows] of own) {
    const total = sum(rows.map(({ price }) => price));
    signed[lane] = total;
    // Its vouchers went up by the prices and by nothing else.
    expect(rows.map(({ cum }) => BigInt(cum))).toContain(total);
  }
  expect([ch, told]).toEqual([ch, signed]);
}

/** How often each task was run, as the logs say. */
async function runsOf(executors: readonly Executor[]): Promise<Map<string, number>> {
  const runs = new Map<string, number>();
  for (const { log } of executors) {
    for (const line of (await readFile(log, 'utf8')).split('\n')) {
      if (!line.endsWith('"msg":"task done"}')) continue;
      const task = /"task":"([^"]+)"/.exec(line)?.[1];
      if (task !== undefined) runs.set(task, (runs.get(task) ?? 0) + 1);
    }
  }
  return runs;
}

/** What an executor earned, once all of it is on the ledger or the waiting is over. */
async function earnedBy({ folder }: Executor, due: bigint): Promise<Earnings> {
  for (let looks = 1; ; looks++) {
    const earned = earningsSchema.parse(must(await ask(folder, { command: 'earnings' })));
    const isThere = earned.held === '0' && BigInt(earned.total) >= due;
    if (isThere || looks === LOOKS_MAX) return earned;
    await pause(LOOK_MS);
  }
}

/** What the journal moved for these channels' vouchers. */
async function redeemed(url: string, channels: ReadonlySet<string>): Promise<bigint> {
  let moved = 0n;
  for (let after = 0; ; ) {
    const page = transferListAnswerSchema.parse(
      await get(url, `/v1/ledger/transfers?after=${after}`),
    );
    const last = page.transfers.at(-1);
    if (last === undefined) return moved;
    const own = page.transfers.filter(({ code, debit }) => {
      return code === 'redeem' && [...channels].some((ch) => debit.includes(ch));
    });
    moved += sum(own.map(({ amount }) => amount));
    after = last.seq;
  }
}

function sum(amounts: readonly string[]): bigint {
  return amounts.reduce((total, amount) => total + BigInt(amount), 0n);
}
