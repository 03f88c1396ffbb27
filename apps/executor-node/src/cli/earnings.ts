import { z } from 'zod';
import { ask } from './ask.ts';
import { must } from './exit.ts';
import { type Output, print, table, units } from './output.ts';

const earningsSchema = z.looseObject({
  total: z.string(),
  redeemed: z.string(),
  held: z.string(),
  earnings: z.array(
    z.looseObject({
      by: z.string(),
      id: z.string(),
      amount: z.string(),
      lane: z.number(),
      receipts: z.array(z.looseObject({ id: z.string() })),
      at: z.number(),
      redeemed_at: z.number().nullable(),
    }),
  ),
});

/** `earnings`: every amount with its voucher and receipts; the total is their sum. */
export async function earnings(output: Output, options: { state: string }): Promise<void> {
  const answer = must(await ask(options.state, { command: 'earnings' }));
  const known = earningsSchema.parse(answer);
  print(output, answer, () => {
    const rows = known.earnings.map((one) => [
      new Date(one.at).toISOString(),
      units(one.amount),
      one.redeemed_at === null ? 'held' : 'redeemed',
      `${one.by} ${one.id.slice(0, 12)}`,
      one.receipts.map(({ id }) => id.slice(0, 12)).join(' ') || 'none',
    ]);
    const { total, redeemed, held } = known;
    const sum = `${units(total)} in all: ${units(redeemed)} redeemed, ${units(held)} held`;
    return rows.length === 0
      ? sum
      : `${table(['AT', 'AMOUNT', 'STATE', 'BY', 'RECEIPTS'], rows)}\n${sum}`;
  });
}
