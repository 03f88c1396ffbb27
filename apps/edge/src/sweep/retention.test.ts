import {
  encodeBase64url,
  IDEMPOTENCY_MS,
  NONCE_MS,
  OUTBOX_KEEP_MS,
  sealEnvelope,
} from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEdgeWorld, type EdgeWorld } from '../../test-support/world.ts';
import { outboxInsert } from '../hub/outbox.ts';
import {
  cond,
  createWorld,
  fund,
  must,
  openActive,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from '../ledger/testing/world.ts';
import type { Database } from '../ports.ts';
import { sweep } from './sweep.ts';

/** More than two batches of 500. */
const MANY = 1_201;
const count = async (database: Database, table: string) => {
  const [row] = await database.read({ sql: `SELECT COUNT(*) AS n FROM ${table}`, args: [] });
  return Number(row?.n);
};
/** `MANY` rows from a query over n = 1 to MANY. */
const fill = (database: Database, sql: string) =>
  database.batch([
    {
      sql: sql.replace(
        'NUMBERS',
        `(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c
        WHERE n < ${MANY}) SELECT n FROM c)`,
      ),
      args: [],
    },
  ]);

describe('the ledger forgets', () => {
  let world: World;
  const counted: Record<string, number> = {};
  beforeEach(async () => {
    for (const key of Object.keys(counted)) delete counted[key];
    world = await createWorld({
      arbiters: ['judge1'],
      metrics: {
        count(name, labels = {}, by = 1) {
          const key = [name, ...Object.values(labels)].join(' ');
          counted[key] = (counted[key] ?? 0) + by;
        },
        observe(name, value) {
          counted[`${name} observed`] = value;
        },
        gauge() {},
        time: (name) => () => {
          counted[`${name} timed`] = (counted[`${name} timed`] ?? 0) + 1;
        },
      },
    });
  });
  afterEach(() => world.database.close());
  const run = () => sweep({ ledger: world.ports, failOverdue: async () => 0, holder: 'w' });

  it('every answer that is a day old in one sweep, and none before', async () => {
    await fill(
      world.database,
      `INSERT INTO idem SELECT 'd', 'r', 'k' || n, 'h', 200, '{}', ${START} FROM NUMBERS`,
    );
    await world.setTime(START + IDEMPOTENCY_MS - 1);
    expect(await run()).toMatchObject({ forgotten: 0 });
    await world.setTime(START + IDEMPOTENCY_MS);
    expect(await run()).toMatchObject({ forgotten: MANY });
    expect(await count(world.database, 'idem')).toBe(0);
    expect(counted['zs_sweep_rows_total forgotten']).toBe(MANY);
  });

  it('every message that nobody fetched for a week, and lets new ones in', async () => {
    await world.database.batch([
      { sql: `INSERT INTO outbox_head VALUES ('d', ${MANY}, 0)`, args: [] },
    ]);
    await fill(
      world.database,
      `INSERT INTO outbox SELECT 'd', n, 'voucher.deliver', '{}', ${START} FROM NUMBERS`,
    );
    await world.setTime(START + OUTBOX_KEEP_MS);
    expect(await run()).toMatchObject({ forgotten: 0 });
    await world.setTime(START + OUTBOX_KEEP_MS + 1);
    expect(await run()).toMatchObject({ forgotten: MANY });
    const [head] = await world.database.read({ sql: 'SELECT * FROM outbox_head', args: [] });
    expect(head).toMatchObject({ seq: BigInt(MANY), acked: BigInt(MANY) });
  });

  it('the mailbox of a closed channel, and of no other', async () => {
    await fund(world, 'alice', 200n);
    const [shut, live] = [
      await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n, n: 1 }),
      await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n, n: 2 }),
    ];
    for (const on of [shut, live]) {
      must(await world.ledger.depositVoucher(await voucher(world, on, { cum: 30n })));
    }
    const totals = shut.dir === 'a' ? { cum_a: '30', cum_b: '0' } : { cum_a: '0', cum_b: '30' };
    const body = { ch: shut.ch, ...totals, not_after: String(START + 1_000) };
    must(
      await world.ledger.closeChannel(await sign(world, 'paych.close', body, 'alice', 'bob'), null),
    );
    await run();
    const left = await world.database.read({ sql: 'SELECT ch FROM mailbox', args: [] });
    expect(left).toEqual([{ ch: live.ch }]);
  });

  it('and counts what it does: checks, batches, disputes', async () => {
    await fund(world, 'alice', 300n);
    const on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
    const redemptions = await Promise.all(
      [0, 1, 2].map(async (lane) => ({ voucher: await voucher(world, on, { lane, cum: 5n }) })),
    );
    must(await world.ledger.redeem(redemptions, null));
    expect(counted).toMatchObject({
      'zs_voucher_verify_seconds timed': 3,
      'zs_settlement_batch_size observed': 3,
      'zs_settlements_total redeemed': 3,
    });
    const made = await receipt(world, on, { task: 't', lane: 4, price: 20n });
    const signed = await cond(world, on, { task: 't', lane: 4, cap: 20n });
    const body = { receipt: made.id, reason: 'output-differs' } as const;
    const objection = await sealEnvelope(
      world.network,
      'task.objection',
      body,
      world.signers.alice,
    );
    const { did: creator } = world.signers.alice;
    await world.ledger.recordObjection({ envelope: objection, creator });
    const filing = { cond: signed.envelope, receipt: made.envelope };
    must(await world.ledger.fileClaim(filing, world.signers.bob.did, null));
    const word = { claim: signed.id, verdict: 'voided', price: '0', output: made.id, gas: '0' };
    must(await world.ledger.giveVerdict(await sign(world, 'dispute.verdict', word, 'judge1')));
    expect(counted['zs_disputes_total voided arbiters']).toBe(1);
  });
});

describe('the directory forgets', () => {
  let world: EdgeWorld;
  beforeEach(async () => {
    world = await createEdgeWorld();
  });
  afterEach(() => world.close());

  it('every nonce whose signature is too old, in one sweep', async () => {
    const old = world.now();
    await fill(
      world.directory,
      `INSERT INTO request_nonce(did, nonce, at)
       SELECT 'd', printf('%022d', n), ${old} FROM NUMBERS`,
    );
    await world.pass(NONCE_MS);
    await world.sweep();
    expect(await count(world.directory, 'request_nonce')).toBe(MANY);
    await world.pass(1);
    await world.sweep();
    expect(await count(world.directory, 'request_nonce')).toBe(0);
  });

  it('messages that nobody fetched for a week, and keeps younger ones', async () => {
    const task = encodeBase64url(new Uint8Array(32));
    const say = () =>
      world.directory.batch(outboxInsert(world.bob.did, 'task.cancel', { task }, world.now()));
    await say();
    await world.pass(OUTBOX_KEEP_MS);
    await say();
    await world.pass(1);
    await world.sweep();
    const left = await world.directory.read({ sql: 'SELECT seq FROM outbox', args: [] });
    expect(left).toEqual([{ seq: 2n }]);
    const [head] = await world.directory.read({
      sql: 'SELECT seq, acked FROM outbox_head',
      args: [],
    });
    expect(head).toEqual({ seq: 2n, acked: 1n });
  });
});
