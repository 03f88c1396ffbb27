/**
 * Workers whose clocks are a day off (reliability.md 12). Time is the database's: no voucher, claim
 * or opening is taken after its end and none is refused before, whichever worker is asked.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '../../apps/edge/src/adapters/libsql.ts';
import { migrate } from '../../apps/edge/src/adapters/migrate.ts';
import { readMigrations } from '../../apps/edge/src/adapters/migrations-folder.ts';
import { systemRng } from '../../apps/edge/src/adapters/system.ts';
import { readGenesis } from '../../apps/edge/src/ledger/genesis.ts';
import {
  cond,
  createWorld,
  DAY,
  difference,
  fund,
  must,
  nonce,
  type Opened,
  openActive,
  openBody,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from '../../apps/edge/src/ledger/testing/world.ts';
import { countOf, randomOf, seedFor } from '../seed.ts';
import { type SimEdge, startEdge } from '../simulation/edge.ts';
import { ORIGIN } from '../simulation/network.ts';
import { Life, Scheduler } from '../simulation/scheduler.ts';

const MOMENTS = countOf(1_000);
const OFF_MS = [-DAY, -60_000, 0, 60_000, DAY];
const FILE = 'test/chaos/clock-skew.test.ts';
/** So long that a worker a day ahead believes it over when it has just begun. */
const WINDOW = 2 * DAY;

let world: World;
let workers: SimEdge[];

beforeAll(async () => {
  world = await createWorld();
  const directory = openDatabase({ url: ':memory:', synchronous: 'normal' });
  const folder = new URL('../../drizzle/directory/', import.meta.url);
  await migrate(directory, await readMigrations(folder));
  const genesis = await readGenesis(world.database);
  if (genesis === null) throw new Error('a ledger has a genesis');
  workers = OFF_MS.map((offMs) =>
    startEdge({
      scheduler: new Scheduler(START),
      life: new Life(`worker ${offMs}`),
      ledger: world.database,
      directory,
      rng: systemRng,
      ledgerSigner: world.signers.ledger,
      edgeSigner: world.signers.ledger,
      genesis,
      offMs,
      failed: (what) => {
        throw new Error(what);
      },
    }),
  );
  await fund(world, 'alice', 1_000_000n);
});
afterAll(async () => {
  expect(await difference(world)).toBe('0');
  await world.database.close();
});

let keys = 0;

async function post(worker: SimEdge, path: string, body: unknown) {
  keys += 1;
  const response = await worker.answer(`${ORIGIN}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': `key-${keys}` },
    body: JSON.stringify(body),
  });
  return { status: response.status, body: JSON.parse(await response.text()) };
}

/** Moments about `end`, half of them before it, the two next to it included; in order. */
function moments(end: number, random: () => number): number[] {
  const some = Array.from({ length: MOMENTS - 2 }, (_, i) => {
    const away = 1 + Math.floor(random() * 1.5 * DAY);
    return i % 2 === 0 ? end - away : end + away;
  });
  return [...some, end - 1, end].sort((x, y) => x - y);
}

const pick = (random: () => number): SimEdge => {
  const worker = workers[Math.floor(random() * workers.length)];
  if (worker === undefined) throw new Error('there are workers');
  return worker;
};

async function closing(n: number): Promise<{ on: Opened; closeAt: number }> {
  await world.setTime(START);
  const more = { window_ms: String(WINDOW) };
  const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 20_000n, n, more });
  const close1 = await sign(world, 'paych.close1', { ch: on.ch, nonce: nonce(n) }, 'alice');
  must(await world.ledger.close1Channel(close1, null));
  return { on, closeAt: START + WINDOW };
}

test(`a voucher counts until its window ends and not after it (${MOMENTS} moments)`, async () => {
  const random = randomOf(seedFor(FILE));
  const { on, closeAt } = await closing(1);
  let cum = 0n;
  let kept = 0n;
  for (const now of moments(closeAt, random)) {
    await world.setTime(now);
    const worker = pick(random);
    const signed = await voucher(world, on, { cum: cum + 1n, lane: 1 });
    const redeem = { redemptions: [{ voucher: signed }] };
    const { status, body } = await post(worker, `channels/${on.ch}/redeem`, redeem);
    if (now < closeAt) {
      expect([status, body.redeemed?.[0]?.moved]).toEqual([200, '1']);
      cum += 1n;
    } else {
      expect(body.redeemed ?? []).toEqual([]);
      expect(body.code ?? body.refused[0].code).toBe('redeem-window-passed');
    }
    // Another total each time: one that is known already is no news, and answered at any time.
    kept += 1n;
    const keep = await voucher(world, on, { cum: kept, lane: 2 });
    const held = await post(worker, `channels/${on.ch}/vouchers`, { voucher: keep });
    if (now < closeAt) expect(held.status).toBe(200);
    else expect(held.body.code).toBe('redeem-window-passed');
  }
});

test('a claim is taken until the end of its cond and not after it', async () => {
  const random = randomOf(seedFor(FILE));
  const until = START + 2 * DAY;
  await world.setTime(START);
  const all = { payer: 'alice', payee: 'bob', amount: 20_000n, n: 3 } as const;
  const on = await openActive(world, { ...all, more: { window_ms: String(WINDOW) } });
  for (const [i, now] of moments(until, random).slice(-120).entries()) {
    await world.setTime(now);
    const about = { task: `clock-${i}`, lane: 1 + (i % 250) };
    const more = { not_after: String(until) };
    const { envelope } = await cond(world, on, { ...about, cap: 2n, more });
    const done = await receipt(world, on, { ...about, price: 1n });
    const filing = { cond: envelope, receipt: done.envelope };
    const filed = await pick(random).ledger.fileClaim(filing, world.signers.bob.did, null);
    expect([now, filed.ok ? 'taken' : filed.code]).toEqual([
      now,
      now <= until ? 'taken' : 'claim-too-late',
    ]);
  }
});

test('a channel opens until open_by and not after it', async () => {
  const random = randomOf(seedFor(FILE));
  const openBy = START + 2 * DAY;
  for (const [i, now] of moments(openBy, random).slice(-120).entries()) {
    await world.setTime(now);
    const about = { payer: 'alice', payee: 'bob', amount: 10n, n: 1_000 + i } as const;
    const more = { open_by: String(openBy), expires_at: String(START + 90 * DAY) };
    const { body } = openBody(world, { ...about, more });
    const open = await sign(world, 'paych.open', body, 'alice', 'bob');
    const opened = await post(pick(random), 'channels', { open });
    expect([now, opened.status === 201]).toEqual([now, now < openBy]);
  }
});
