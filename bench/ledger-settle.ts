import type { VoucherTerms } from '@zerostate/shared';
import { raiseLanes } from '../apps/edge/src/ledger/lanes.ts';
import { postgresSettlements } from './ledger-postgres.ts';
import {
  type BenchChannel,
  type BenchLedger,
  createBenchLedger,
  figure,
  openChannels,
} from './ledger-world.ts';
import { type BenchResult, median } from './report.ts';

const SIG = 'A'.repeat(86);
const ID = 'B'.repeat(43);
const BARE = `CREATE TABLE bare(seq INTEGER PRIMARY KEY, ch TEXT NOT NULL, dir TEXT NOT NULL,
  lane INTEGER NOT NULL, cum INTEGER NOT NULL, via TEXT NOT NULL, memo TEXT NOT NULL,
  sig TEXT NOT NULL) STRICT`;
const BARE_INSERT = `INSERT INTO bare(ch, dir, lane, cum, via, memo, sig)
  SELECT value->>0, value->>1, value->>2, CAST(value->>3 AS INTEGER), value->>4, value->>5,
    value->>6 FROM json_each(?1)`;

type Lane = { ch: string; dir: 'a' | 'b'; lane: number };
type Shape = { size: 1 | 100 | 500; rounds: number };

/** Settlements a second in each batch size, beside bare inserts in the same shape. */
export async function settlements(about: {
  full: boolean;
  note: (line: string) => void;
  missing: string[];
}): Promise<BenchResult[]> {
  const more = about.full ? 5 : 1;
  const shapes: Shape[] = [
    { size: 1, rounds: 300 * more },
    { size: 100, rounds: 40 * more },
    { size: 500, rounds: 24 * more },
  ];
  const world = await createBenchLedger();
  try {
    await world.database.batch([{ sql: BARE, args: [] }]);
    const postgres = await postgresSettlements(500, shapes[2]?.rounds ?? 24);
    if (postgres === null) about.missing.push('postgres');
    const results: BenchResult[] = [];
    for (const shape of shapes) {
      const channels = await openChannels(world, 20, 1_000_000n);
      const measured = await interleave(world, channels, shape);
      const ours = median(measured.ours);
      const vs = {
        bare: figure(ours / median(measured.bare)),
        ...(shape.size === 500 && postgres !== null && { postgres: figure(ours / postgres) }),
      };
      const name = `settle.full.${shape.size}.per_s`;
      results.push({ name, value: figure(ours), unit: '1/s', better: 'higher', vs });
    }
    return results;
  } finally {
    await world.close();
  }
}

/** Ours and bare by turns in five parts, so that a noisy moment meets both. */
async function interleave(world: BenchLedger, channels: BenchChannel[], { size, rounds }: Shape) {
  const lanes = channels.flatMap(({ ch, dir }) =>
    Array.from({ length: 250 }, (_, lane) => ({ ch, dir, lane })),
  );
  const totals = new Map<Lane, bigint>();
  const ours: number[] = [];
  const bare: number[] = [];
  const perPart = Math.ceil(rounds / 5);
  let next = 0;
  for (let part = 0; part < 5; part++) {
    const batches = Array.from({ length: perPart }, () => {
      const batch = Array.from({ length: size }, (_, at) => lanes[(next + at) % lanes.length]);
      next += size;
      return batch.filter((lane) => lane !== undefined);
    });
    ours.push(await timed(batches, size, (batch) => settle(world, batch, totals)));
    bare.push(await timed(batches, size, (batch) => insertBare(world, batch)));
  }
  return { ours, bare };
}

async function timed(
  batches: readonly Lane[][],
  size: number,
  write: (batch: Lane[]) => Promise<unknown>,
): Promise<number> {
  const start = performance.now();
  for (const batch of batches) await write(batch);
  return (batches.length * size) / ((performance.now() - start) / 1_000);
}

async function settle(
  { database }: BenchLedger,
  batch: readonly Lane[],
  totals: Map<Lane, bigint>,
): Promise<void> {
  const rises = [];
  for (const at of batch) {
    const was = totals.get(at) ?? 0n;
    const cum = was + 1n;
    totals.set(at, cum);
    const voucher: VoucherTerms = { id: ID, ...at, cum, memo: '' };
    rises.push({ voucher, sig: SIG, was });
  }
  await database.batch(raiseLanes(rises));
}

function insertBare({ database }: BenchLedger, batch: readonly Lane[]): Promise<unknown> {
  const rows = batch.map(({ ch, dir, lane }) => [ch, dir, lane, '1', ID, '', SIG]);
  return database.batch([{ sql: BARE_INSERT, args: [JSON.stringify(rows)] }]);
}
