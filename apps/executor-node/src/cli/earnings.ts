import { z } from 'zod';
import { ask } from './ask.ts';
import { must } from './exit.ts';
import { type Output, print, table, units } from './output.ts';

const earningsSchema = z.looseObject({
  total: z.string(),
  redeemed: z.string(),
  held: z.string(),
  more: z.boolean(),
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

/** `earnings`: the newest amounts with their vouchers and receipts, and the sums of all. */
export async function earnings(
  output: Output,
  { state, limit }: { state: string; limit?: number },
): Promise<void> {
  const command = { command: 'earnings', ...(limit === undefined ? {} : { limit }) } as const;
  const answer = must(await ask(state, command));
  const known = earningsSchema.parse(answer);
  print(output, answer, () => {
    const rows = known.earnings.map((one) => [
      new Date(one.at).toISOString(),
      units(one.amount),
      one.redeemed_at === null ? 'held' : 'redeemed',
      `${one.by} ${one.id.slice(0, 12)}`,
      one.receipts.map(({ id }) => id.slice(0, 12)).join(' ') || 'none',
    ]);
    const { total, redeemed, held, more } = known;
    const sum = `${units(total)} in all: ${units(redeemed)} redeemed, ${units(held)} held`;
    if (rows.length === 0) return sum;
    const older = more ? `older ones: --limit above ${rows.length}\n` : '';
    return `${older}${table(['AT', 'AMOUNT', 'STATE', 'BY', 'RECEIPTS'], rows)}\n${sum}`;
  });
}
