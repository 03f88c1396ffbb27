/**
 * Settles rising vouchers on four lanes until it is killed, and prints `lane total` for each
 * answer that the ledger gave. Arguments: the database's URL, channel, direction, and where each
 * lane stands.
 */
import { writeSync } from 'node:fs';
import { createWorld, must, voucher } from './world.ts';

const [, , url, ch, dir, ...stands] = process.argv;
if (url === undefined || ch === undefined || (dir !== 'a' && dir !== 'b')) {
  throw new Error('arguments are missing');
}
const on = { ch, dir, payer: 'alice' } as const;
const world = await createWorld({ url });
writeSync(1, 'ready\n');

async function settle(lane: number, from: bigint): Promise<never> {
  for (let cum = from + 1n; ; cum++) {
    const signed = await voucher(world, on, { lane, cum });
    const done = must(await world.ledger.redeem([{ voucher: signed }], null));
    if (done.refused.length > 0) throw new Error(done.refused[0]?.code);
    writeSync(1, `${lane} ${cum}\n`);
  }
}
await Promise.all(stands.map((stand, lane) => settle(lane, BigInt(stand))));
