import { createSigner, idOf } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../adapters/database.ts';
import type { Database } from '../state/database.ts';
import { MIGRATIONS, migrate } from '../state/migrate.ts';
import { pinNode, readOutbox } from '../state/store.ts';
import { type Changes, Court } from '../testing/court.ts';
import { type CrashPoint, crashingDatabase } from '../testing/crashing-database.ts';
import { Judge } from './judge.ts';
import { readDispute } from './store.ts';

let database: Database;
beforeEach(async () => {
  database = await openDatabase(':memory:');
  await migrate(database, MIGRATIONS, 1);
  const pinned = { did: 'x', edge: 'x', edgeDid: 'x', network: 'x', asset: 'x' };
  await database.write([pinNode(pinned, 'session', 1)]);
});
afterEach(() => database.close());

const failed = (cause: unknown): void => {
  throw cause;
};

/** Asks a fresh judge about the court's claim and lets it work until nothing is due. */
async function judged(court: Court): Promise<{ state: string; why: string } | null> {
  const judge = new Judge(court.context(database));
  await judge.asked(court.claim);
  await judge.work(failed);
  await judge.stop();
  return readDispute(database, court.claim);
}

/** Bodies of the verdicts that went into the outbox. */
async function verdicts(): Promise<Record<string, unknown>[]> {
  const rows = await readOutbox(database, 0, 100);
  return rows
    .filter(({ type }) => type === 'dispute.verdict')
    .map(({ body }) => JSON.parse(body).verdict.body);
}

const more = (figure: string): string => String(BigInt(figure) + 1n);
const OTHER = `${'B'.repeat(42)}A`;
const NOTHING = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';

describe('the word on a receipt', () => {
  const cases: [name: string, changes: Changes, verdict: string, price: 'due' | '0'][] = [
    ['true stands', {}, 'posted', 'due'],
    ['with another output is void', { receipt: () => ({ output: OTHER }) }, 'voided', '0'],
    ['with another status is void', { receipt: () => ({ status: 'exit:1' }) }, 'voided', '0'],
    ['with more gas is void', { receipt: (r) => ({ gas: more(r.gas) }) }, 'voided', '0'],
    [
      'with more gas and its price is void',
      { receipt: (r) => ({ gas: more(r.gas), price: more(r.price) }) },
      'voided',
      '0',
    ],
    [
      'true but too dear is paid at the right price',
      { receipt: (r) => ({ price: more(r.price) }) },
      'posted',
      'due',
    ],
    // Else an executor would bait its creator into an objection and take the bond.
    ['too cheap is void', { receipt: () => ({ price: '1' }) }, 'voided', '0'],
  ];
  test.each(cases)('%s', async (_, changes, verdict, price) => {
    const court = await Court.make(changes);
    await judged(court);
    const { gas, output } = court.honest;
    const due = price === 'due' ? court.honest.price : price;
    expect(await verdicts()).toEqual([{ claim: court.claim, verdict, price: due, gas, output }]);
  });

  test('for a module that nobody can run is void, and names no output', async () => {
    const court = await Court.make({ module: new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]) });
    await judged(court);
    expect(await verdicts()).toMatchObject([{ verdict: 'voided', output: NOTHING, gas: '0' }]);
  });
});

describe('an arbiter says nothing', () => {
  const spoil: [why: string, changes: Changes, spoil: (court: Court) => void][] = [
    ['module-missing', {}, ({ blobs }) => blobs.clear()],
    [
      'input-missing',
      { manifest: { abi: 'wasi', fn: '' }, input: new Uint8Array([1]) },
      ({ blobs, task }) => blobs.delete(String(task.manifest.body.input)),
    ],
    ['meter-unknown', { manifest: { meter: `zsm1-${OTHER}` } }, () => {}],
    [
      'manifest-wrong',
      {},
      ({ task }) => Object.assign(task.manifest, { body: { ...task.manifest.body, fn: 'other' } }),
    ],
    ['cond-wrong', {}, ({ filed }) => Object.assign(filed, { cap: more(filed.cap) })],
    [
      'cond-wrong',
      {},
      ({ filed }) => Object.assign(filed, { cond_sig: filed.receipt_envelope.sigs[0]?.sig }),
    ],
    ['receipt-wrong', {}, ({ filed }) => Object.assign(filed, { receipt: OTHER })],
    ['channel-wrong', {}, ({ channel }) => Object.assign(channel.open, { sigs: [] })],
    ['output-missing', { reason: 'output-missing' }, () => {}],
  ];
  test.each(spoil)('where it finds %s, and tries again', async (why, changes, spoilt) => {
    const court = await Court.make(changes);
    spoilt(court);
    expect(await judged(court)).toMatchObject({ state: 'undecided', why, verdict: null });
    expect(await verdicts()).toEqual([]);
  });

  test.each(['payer', 'payee'] as const)(
    'on a claim in which it is the %s, for ever',
    async (side) => {
      const arbiter = await createSigner(new Uint8Array(32).fill(3));
      const court = await Court.make({ [side]: arbiter, receipt: () => ({ output: OTHER }) });
      expect(await judged(court)).toMatchObject({ state: 'declined', why: 'party', nextAt: null });
      expect(await judged(court)).toMatchObject({ state: 'declined' });
      expect(await verdicts()).toEqual([]);
    },
  );

  test('on a claim that is over', async () => {
    const court = await Court.make();
    court.phase = 'posted';
    expect(await judged(court)).toMatchObject({ state: 'over', outcome: 'posted', verdict: null });
  });
});

test('what could not be judged is judged once it can', async () => {
  const court = await Court.make();
  const blobs = new Map(court.blobs);
  court.blobs.clear();
  await judged(court);
  for (const [hash, bytes] of blobs) court.blobs.set(hash, bytes);
  court.time.advance(3_600_000);
  expect(await judged(court)).toMatchObject({ state: 'signed' });
});

test('an output that the edge has is no reason against a true receipt', async () => {
  const court = await Court.make({ reason: 'output-missing' });
  court.blobs.set(court.honest.output, new Uint8Array(0));
  expect(await judged(court)).toMatchObject({ state: 'signed' });
});

/** The edge shows the case in another light: an honest receipt as a lie. */
async function inAnotherLight(court: Court): Promise<void> {
  const other = await Court.make({ receipt: () => ({ output: OTHER }) });
  const { id, cond_sig } = court.filed;
  court.filed = { ...other.filed, id, cond_sig };
}

test('a verdict is the only one on its claim, whatever the edge shows later and however it died', async () => {
  for (const when of ['before', 'after'] as const) {
    for (let write = 1; write <= 3; write++) {
      const court = await Court.make();
      await dieAt(court, { write, when });
      const before = await verdicts();
      if (before.length > 0) await inAnotherLight(court);
      court.time.advance(3_600_000);
      await judged(court);
      const ids = (await verdicts())
        .filter(({ claim }) => claim === court.claim)
        .map((body) => idOf('zs-aaaaaaaaaaaaaaaa', 'dispute.verdict', body));
      expect(new Set(ids).size, `write ${write} ${when}`).toBe(1);
      expect(await readDispute(database, court.claim)).toMatchObject({ state: 'signed' });
      await database.close();
      database = await openDatabase(':memory:');
      await migrate(database, MIGRATIONS, 1);
      const pinned = { did: 'x', edge: 'x', edgeDid: 'x', network: 'x', asset: 'x' };
      await database.write([pinNode(pinned, 'session', 1)]);
    }
  }
});

/** One life that ends at a write, as by kill -9. */
async function dieAt(court: Court, point: CrashPoint): Promise<void> {
  const died = new Promise<void>((resolve) => {
    const dying = crashingDatabase(database, point, resolve);
    const judge = new Judge(court.context(dying));
    judge
      .asked(court.claim)
      .then(() => judge.work(failed))
      .then(() => judge.stop())
      .then(resolve, failed);
  });
  await died;
}

test('the database takes no second verdict for a claim', async () => {
  const court = await Court.make();
  await judged(court);
  const again = { sql: `UPDATE dispute SET verdict = '{}'`, args: [] };
  await expect(database.write([again])).rejects.toThrow(/signed once/);
});

test('a dispute that no message told of is found on the ledger', async () => {
  const court = await Court.make();
  const judge = new Judge(court.context(database));
  await judge.scan();
  await judge.work(failed);
  await judge.stop();
  expect(await verdicts()).toHaveLength(1);
});
