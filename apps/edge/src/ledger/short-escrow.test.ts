import {
  auditClaims,
  auditJournal,
  auditLanes,
  compareLanes,
  createVerifier,
  type LaneListAnswer,
} from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweep } from '../sweep/sweep.ts';
import {
  balance,
  claimOf,
  cond,
  createWorld,
  difference,
  fund,
  hash,
  idem,
  must,
  nonce,
  type Opened,
  openActive,
  paying,
  receipt,
  START,
  sign,
  voucher,
  type World,
} from './testing/world.ts';

let world: World;
let on: Opened;
beforeEach(async () => {
  world = await createWorld({ arbiters: ['judge1'] });
  await fund(world, 'alice', 300n);
  on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
});
afterEach(async () => {
  expect(await difference(world)).toBe('0');
  expect(await auditAll()).toEqual([]);
  await world.database.close();
});

type Redemptions = Parameters<World['ledger']['redeem']>[0];
const redeem = async (...redemptions: Redemptions) =>
  must(await world.ledger.redeem(redemptions, null));
const lanes = async () => must(await world.ledger.lanes(undefined, 100))?.lanes ?? [];
const escrow = async () => {
  const { escrow_a, escrow_b } = JSON.parse(must(await world.ledger.channel(on.ch)).json);
  return on.dir === 'a' ? escrow_a : escrow_b;
};
const topup = async (amount: number, n = 1) => {
  const body = { ch: on.ch, dir: on.dir, amount: String(amount), nonce: nonce(n) };
  must(await world.ledger.topupChannel(await sign(world, 'paych.topup', body, 'alice'), null));
};
/** The attack: the payer hands in a voucher of its own, on a lane that nobody asked for. */
const spend = async (cum: bigint, lane = 7) =>
  redeem({ voucher: await voucher(world, on, { lane, cum }) });
const sweepOnce = () =>
  sweep({ ledger: world.ports, failOverdue: async () => 0, holder: 'worker-1' });

async function findings(rows: LaneListAnswer['lanes']) {
  const { claims } = must(await world.ledger.claims({}, 100));
  const payer = (_ch: string, dir: 'a' | 'b') => on.body[dir];
  const of = { network: world.network, lanes: rows, claims, payer };
  return (await auditLanes(of, createVerifier())).map(({ code, lane }) => [code, lane]);
}

/** What an audit finds in the journal and in the lanes, after a seal. */
async function auditAll() {
  await sweepOnce();
  const { transfers } = must(await world.ledger.transfers(0, 1_000));
  const { seals } = must(await world.ledger.seals(0, 1_000));
  const journal = { network: world.network, ledger: world.signers.ledger.did, transfers, seals };
  const report = await auditJournal(journal, createVerifier());
  const paid = { before: report.lanes, has: (id: string) => transfers.some((t) => t.id === id) };
  const { claims } = must(await world.ledger.claims({}, 100));
  const payer = (_ch: string, dir: 'a' | 'b') => on.body[dir];
  return [
    ...report.findings,
    ...(await findings(await lanes())),
    ...compareLanes(await lanes(), paid),
    ...(await auditClaims({ network: world.network, claims, payer }, createVerifier())),
  ];
}

/** Two receipts of 50 each, and the voucher for the whole fund that pays them. */
async function wholeFund() {
  const made = await Promise.all(
    [1, 2].map(async (n) => ({
      price: 50n,
      ...(await receipt(world, on, { task: `t${n}`, lane: 1, price: 50n })),
    })),
  );
  return paying(world, on, { lane: 1, receipts: made });
}

describe('a payer that spends a little on another lane', () => {
  it('does not lock away what its payee holds: all that is there is paid', async () => {
    const held = await wholeFund();
    await spend(1n);
    const done = await redeem(held.redemption);
    expect(done).toMatchObject({
      redeemed: [{ cum: '99', moved: '99', counted: 0 }],
      refused: [],
    });
    expect([await balance(world, 'bob'), await escrow()]).toEqual([100n, '0']);
    const again = await redeem(held.redemption);
    expect(again).toMatchObject({ redeemed: [{ cum: '99', moved: '0' }], refused: [] });
    expect(must(await world.ledger.reputation(world.signers.bob.did)).n).toBe(0);
  });

  it('leaves a lane that shows what was paid and what was signed, for anybody to check', async () => {
    const held = await wholeFund();
    await spend(1n);
    await redeem(held.redemption);
    const rows = await lanes();
    expect(rows[0]).toMatchObject({
      ...{ lane: 1, cum: '99', memo: '', memo_cum: '0' },
      ...{ signed: '100', signed_memo: held.memo },
    });
    // The payee reads it in the channel, and proves the rest from there.
    const channel = JSON.parse(must(await world.ledger.channel(on.ch)).json);
    expect(channel.lanes[0]).toMatchObject({ cum: '99', memo: '', memo_cum: '0' });
    const edit = (change: object) => findings(rows.map((row) => ({ ...row, ...change })));
    expect(await edit({ signed: '101' })).toContainEqual(['lane-signature', 1]);
    expect(await edit({ signed_memo: hash('m') })).toContainEqual(['lane-signature', 1]);
    expect(await edit({ cum: '101' })).toContainEqual(['lane-unsigned', 1]);
    expect(await edit({ via: hash('v') })).toContainEqual(['lane-unsigned', 1]);
  });

  it('pays the rest with its receipts when money comes in', async () => {
    const held = await wholeFund();
    await spend(1n);
    await redeem(held.redemption);
    await topup(5);
    const rest = await redeem(held.redemption);
    expect(rest.redeemed).toMatchObject([{ cum: '100', moved: '1', counted: 2 }]);
    expect(await balance(world, 'bob')).toBe(101n);
    const [row] = await lanes();
    expect(row).toMatchObject({ memo: held.memo, memo_cum: '100', signed: '100' });
    expect(must(await world.ledger.reputation(world.signers.bob.did)).ok).toBe(2);
  });

  it('keeps the key of a rest that moved nothing free, and not the one of a part', async () => {
    const { redemption } = await wholeFund();
    await spend(1n);
    const { did } = world.signers.bob;
    const [part, rest] = [idem(did, 'r1'), idem(did, 'r2')];
    must(await world.ledger.redeem([redemption], part));
    must(await world.ledger.redeem([redemption], rest));
    expect((await world.ledger.find(part))?.body).toContain('"moved":"99"');
    expect(await world.ledger.find(rest)).toBeNull();
    await topup(5);
    const late = must(await world.ledger.redeem([redemption], rest));
    expect(late.redeemed).toMatchObject([{ moved: '1' }]);
  });
});

describe('one request', () => {
  it('pays a lane in full and then in part, and keeps the memo of what was full', async () => {
    const made = { price: 40n, ...(await receipt(world, on, { task: 't', lane: 1, price: 40n })) };
    const first = await paying(world, on, { lane: 1, receipts: [made] });
    const more = { price: 80n, ...(await receipt(world, on, { task: 'u', lane: 1, price: 80n })) };
    const next = await paying(world, on, { lane: 1, from: first, receipts: [more] });
    const { redeemed } = await redeem(first.redemption, next.redemption);
    expect(redeemed).toMatchObject([
      { cum: '40', moved: '40', counted: 1 },
      { cum: '100', moved: '60', counted: 0 },
    ]);
    expect((await lanes())[0]).toMatchObject({
      ...{ cum: '100', memo: first.memo, memo_cum: '40' },
      ...{ signed: '120', signed_memo: next.memo },
    });
    await topup(20);
    expect((await redeem(next.redemption)).redeemed).toMatchObject([{ moved: '20', counted: 1 }]);
  });
});

describe('a claim above what the escrow covers', () => {
  const file = async () => {
    const signed = await cond(world, on, { task: 't', lane: 1, cap: 100n });
    const made = await receipt(world, on, { task: 't', lane: 1, price: 100n });
    const filing = { cond: signed.envelope, receipt: made.envelope };
    const filed = await claimOf(world.ledger.fileClaim(filing, world.signers.bob.did, null));
    return { filed, id: signed.id, made };
  };

  it('is filed at what is there, posts, and shows the price that was signed', async () => {
    await spend(1n);
    const { filed, id } = await file();
    expect(filed).toMatchObject({ state: 'pending', price: '99' });
    await world.setTime(START + 60_000);
    must(await world.ledger.postClaim(id, null));
    expect([await balance(world, 'bob'), await escrow()]).toEqual([100n, '0']);
    const { claims } = must(await world.ledger.claims({}, 10));
    expect(claims[0]).toMatchObject({ price: '99', receipt_envelope: { body: { price: '100' } } });
    expect((await lanes())[0]).toMatchObject({ cum: '99', memo: id, memo_cum: '99', signed: '0' });
  });

  it('keeps its cover against every voucher that comes later', async () => {
    await spend(30n);
    await file();
    const { refused } = await spend(50n, 8);
    expect(refused).toMatchObject([{ code: 'escrow-insufficient' }]);
    expect(await escrow()).toBe('70');
  });

  it('is upheld by arbiters that find the price of the receipt right', async () => {
    await spend(1n);
    const { id, made } = await file();
    const objection = { receipt: made.id, reason: 'output-differs' as const };
    const envelope = { ...(await sign(world, 'task.objection', objection, 'alice')) };
    const creator = world.signers.alice.did;
    must(
      await world.ledger.recordObjection({ envelope: { ...envelope, body: objection }, creator }),
    );
    expect(await balance(world, 'alice')).toBe(101n);
    const words = { claim: id, verdict: 'posted', price: '100', output: hash('o'), gas: '5' };
    const signed = await sign(world, 'dispute.verdict', words, 'judge1');
    expect(await claimOf(world.ledger.giveVerdict(signed))).toMatchObject({ price: '99' });
    expect(await balance(world, 'bob')).toBe(1n + 99n + 99n);
  });
});

describe('a voucher in the mailbox', () => {
  it('is swept as far as the escrow goes, kept, and swept again after a top-up', async () => {
    const held = await wholeFund();
    must(await world.ledger.depositVoucher(held.redemption.voucher));
    await spend(1n);
    await world.setTime(START + 900_000);
    expect(await sweepOnce()).toMatchObject({ settled: 1, refused: 0 });
    expect([await balance(world, 'bob'), await escrow()]).toEqual([100n, '0']);
    expect((await lanes())[0]).toMatchObject({ cum: '99', memo: '', signed: '100' });
    expect(await sweepOnce()).toMatchObject({ settled: 0, refused: 0 });
    await topup(5);
    expect(await sweepOnce()).toMatchObject({ settled: 1, refused: 0 });
    expect((await lanes())[0]).toMatchObject({ cum: '100', memo: held.memo, memo_cum: '100' });
    const { mailbox } = JSON.parse(must(await world.ledger.channel(on.ch)).json);
    expect(mailbox).toEqual([]);
  });
});

describe('a payer that fills the mailbox with vouchers of its own', () => {
  const deposit = async (cum: bigint, lane: number) =>
    world.ledger.depositVoucher(await voucher(world, on, { lane, cum }));
  const later = 15 * 60_000;

  it('keeps no voucher of its sleeping payee out, and the sweep pays all that is there', async () => {
    must(await deposit(100n, 7));
    must(await deposit(60n, 1));
    expect(JSON.parse(must(await deposit(60n, 1)))).toMatchObject({ held: '60' });
    await world.setTime(START + later);
    await sweepOnce();
    expect([await balance(world, 'bob'), await escrow()]).toEqual([100n, '0']);
    await topup(60);
    await sweepOnce();
    expect([await balance(world, 'bob'), await escrow()]).toEqual([160n, '0']);
  });

  it('is told when a total is above the fund by itself', async () => {
    expect(await deposit(101n, 7)).toMatchObject({ code: 'voucher-over-fund', detail: 'cum' });
    await topup(1);
    must(await deposit(101n, 7));
  });
});
