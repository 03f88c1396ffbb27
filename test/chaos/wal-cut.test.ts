/**
 * A write-ahead log that ends anywhere (reliability.md 3): what a power cut leaves of it. The ledger
 * opens at a commit boundary, with every commit that lies wholly before the cut and nothing of any
 * other.
 */
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openDatabase } from '../../apps/edge/src/adapters/libsql.ts';
import {
  createWorld,
  difference,
  fund,
  must,
  openActive,
  voucher,
} from '../../apps/edge/src/ledger/testing/world.ts';
import { countOf, randomOf, seedFor } from '../seed.ts';
import { endOfCommits } from './wal.ts';

const CUTS = countOf(1_000);
const COMMITS = 60;
const FILE = 'test/chaos/wal-cut.test.ts';
type Commit = {
  /** The length of the log in bytes once this commit is on disk. */
  end: number;
  /** What the ledger says then. */
  paid: bigint;
  rows: string;
};

const ROWS = `SELECT
  (SELECT COUNT(*) FROM transfer) || ' ' || (SELECT COALESCE(SUM(cum), 0) FROM lane) || ' '
  || (SELECT COUNT(*) FROM mailbox) || ' ' || (SELECT COUNT(*) FROM outbox) AS rows`;

test(`${CUTS} cuts of the log leave the ledger at a commit, with all that was before`, async () => {
  const random = randomOf(seedFor(FILE));
  const folder = await mkdtemp(join(tmpdir(), 'zs-wal-'));
  try {
    const { base, wal, commits } = await record(folder);
    let atBoundary = 0;
    for (let cut = 0; cut < CUTS; cut++) {
      const length = Math.floor(random() * (wal.length + 1));
      // Every fourth cut falls on the last bytes of a commit or on the first after it.
      const chosen = commits[Math.floor(random() * commits.length)]?.end ?? 0;
      const at = cut % 4 === 0 ? Math.max(0, chosen - 2 + Math.floor(random() * 4)) : length;
      const expected = commits.findLast(({ end }) => end <= at);
      if (expected === undefined) throw new Error('the first state needs no log');
      if (expected.end === at) atBoundary += 1;
      await check(folder, { nth: cut, base, wal: wal.subarray(0, at), expected });
    }
    console.log(
      `${CUTS} cuts of ${wal.length} bytes, ${commits.length} commits, ${atBoundary} on one`,
    );
  } finally {
    await rm(folder, { recursive: true });
  }
}, 1_800_000);

/** A ledger at work whose log is never folded into the database, and where each commit ended. */
async function record(folder: string) {
  const path = join(folder, 'made.db');
  const world = await createWorld({ url: `file:${path}` });
  await fund(world, 'alice', 10_000n);
  const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 10_000n });
  await world.database.read({ sql: 'PRAGMA wal_checkpoint(TRUNCATE)', args: [] });
  await world.database.read({ sql: 'PRAGMA wal_autocheckpoint = 0', args: [] });
  const base = join(folder, 'base.db');
  await copyFile(path, base);
  const commits: Commit[] = [{ end: 0, paid: 0n, rows: await rowsOf(world.database) }];
  const expected = new Map<number, bigint>();
  for (let i = 1; i <= COMMITS; i++) {
    const lane = i % 5;
    const cum = BigInt(i * 3);
    const signed = await voucher(world, on, { lane, cum });
    // Every sixth is kept in the mailbox: the log holds more than one kind of commit.
    if (i % 6 === 0) must(await world.ledger.depositVoucher(signed));
    else {
      must(await world.ledger.redeem([{ voucher: signed }], null));
      expected.set(lane, cum);
    }
    const end = endOfCommits(await readFile(`${path}-wal`));
    const paid = [...expected.values()].reduce((sum, each) => sum + each, 0n);
    commits.push({ end, paid, rows: await rowsOf(world.database) });
  }
  const wal = await readFile(`${path}-wal`);
  await world.database.close();
  return { base, wal: wal.subarray(0, commits.at(-1)?.end), commits };
}

async function rowsOf(database: ReturnType<typeof openDatabase>): Promise<string> {
  const [row] = await database.read({ sql: ROWS, args: [] });
  return String(row?.rows);
}

/** Opens the database as a worker would after the power came back. */
async function check(
  folder: string,
  { nth, base, wal, expected }: { nth: number; base: string; wal: Uint8Array; expected: Commit },
): Promise<void> {
  // A file of its own: the driver lets go of a closed one only when it is collected.
  const path = join(folder, `cut-${nth}.db`);
  await copyFile(base, path);
  await writeFile(`${path}-wal`, wal);
  const database = openDatabase({ url: `file:${path}`, synchronous: 'full' });
  const world = await createWorld({ database });
  const [integrity] = await database.read({ sql: 'PRAGMA integrity_check', args: [] });
  expect(integrity).toEqual({ integrity_check: 'ok' });
  expect(await rowsOf(database)).toBe(expected.rows);
  expect(await difference(world)).toBe('0');
  const [bob] = await database.read({
    sql: `SELECT credits - debits AS held FROM account WHERE id = 'avl:' || ?1`,
    args: [world.signers.bob.did],
  });
  expect(bob?.held ?? 0n).toBe(expected.paid);
  await database.close();
  for (const end of ['', '-wal', '-shm']) await rm(`${path}${end}`, { force: true });
}
