import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweep } from '../sweep/sweep.ts';
import { ledgerMessages } from './messages.ts';
import {
  balance,
  claimOf,
  closeBalanced,
  cond,
  createWorld,
  DAY,
  fund,
  hash,
  must,
  type Name,
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
  world = await createWorld({ arbiters: ['judge1', 'judge2', 'judge3'] });
  await fund(world, 'alice', 200n);
  on = await openActive(world, { payer: 'alice', payee: 'bob', amount: 100n });
});
afterEach(() => closeBalanced(world));

type About = { task?: string; lane?: number; cap?: bigint; price?: bigint; base?: bigint };
async function file(about: About = {}, by: Name = 'bob') {
  const { task = 't1', lane = 1, cap = 60n, price = 40n, base = 0n } = about;
  const signed = await cond(world, on, { task, lane, cap, base });
  const made = await receipt(world, on, { task, lane, price });
  const filing = { cond: signed.envelope, receipt: made.envelope };
  const { did } = world.signers[by];
  return { result: await world.ledger.fileClaim(filing, did, null), made, id: signed.id, filing };
}
const object = async (id: string, name: Name = 'alice') =>
  world.ledger.recordObjection({
    envelope: await sign(world, 'task.objection', { receipt: id, reason: 'output-differs' }, name),
    creator: world.signers[name].did,
  } as Parameters<World['ledger']['recordObjection']>[0]);
const verdict = async (claim: string, words: 'posted' | 'voided', price: bigint, name: Name) =>
  world.ledger.giveVerdict(
    await sign(
      world,
      'dispute.verdict',
      { claim, verdict: words, price: String(price), output: hash('o'), gas: '5' },
      name,
    ),
  );

describe('a claim', () => {
  it('posts after its time, pays once and counts its receipt', async () => {
    const { result, id, made } = await file();
    expect(await claimOf(Promise.resolve(result))).toMatchObject({ state: 'pending', price: '40' });
    await world.setTime(START + 59_999);
    expect(await world.ledger.postClaim(id, null)).toMatchObject({ code: 'claim-not-due' });
    await world.setTime(START + 60_000);
    expect(await claimOf(world.ledger.postClaim(id, null))).toMatchObject({ state: 'posted' });
    expect(await world.ledger.postClaim(id, null)).toMatchObject({ code: 'claim-not-pending' });
    expect(await balance(world, 'bob')).toBe(40n);
    expect(must(await world.ledger.receipt(made.id))).toMatchObject({ counted: 'claim' });
    const { n } = must(await world.ledger.reputation(world.signers.bob.did));
    expect(n).toBe(1);
  });

  it('and a voucher for the same receipt pay the higher of the two, never both', async () => {
    const { id, made } = await file();
    const paid = await paying(world, on, { lane: 1, receipts: [{ ...made, price: 40n }] });
    must(await world.ledger.redeem([paid.redemption], null));
    await world.setTime(START + 60_000);
    must(await world.ledger.postClaim(id, null));
    expect(await balance(world, 'bob')).toBe(40n);
    expect(must(await world.ledger.reputation(world.signers.bob.did)).n).toBe(1);
  });

  it('filed again by the same executor answers what became of the first', async () => {
    const { filing } = await file();
    const messages = ledgerMessages(world.ledger);
    must(await messages['claim.file'](world.signers.bob.did, filing));
    const [row] = await world.database.read({ sql: 'SELECT count(*) AS n FROM claim', args: [] });
    expect(row?.n).toBe(1n);
  });

  it('is refused to strangers, for another task, lane or channel, too late or uncovered', async () => {
    const codeOf = async (about: About, by: Name = 'bob') => {
      const { result } = await file(about, by);
      return result.ok ? 'ok' : result.code;
    };
    expect(await codeOf({}, 'carol')).toBe('party-wrong');
    expect(await codeOf({ base: 101n })).toBe('escrow-insufficient');
    expect(await codeOf({})).toBe('ok');
    expect(await codeOf({ lane: 2 })).toBe('task-claimed');
    expect(await codeOf({ task: 't2' })).toBe('claim-lane-busy');
    expect(await codeOf({ task: 't2', lane: 2, price: 0n })).toBe('claim-pays-nothing');
    const other = await cond(world, on, { task: 't3', lane: 3, cap: 60n });
    const mismatch = async (about: { task: string; lane: number; more?: object }) => {
      const made = await receipt(world, on, { price: 5n, ...about });
      const filing = { cond: other.envelope, receipt: made.envelope };
      const result = await world.ledger.fileClaim(filing, world.signers.bob.did, null);
      return result.ok ? 'ok' : result.code;
    };
    expect(await mismatch({ task: 't4', lane: 3 })).toBe('task-wrong');
    expect(await mismatch({ task: 't3', lane: 4 })).toBe('lane-wrong');
    expect(await mismatch({ task: 't3', lane: 3, more: { ch: hash('x') } })).toBe('channel-wrong');
    await world.setTime(START + DAY + 1);
    expect(await mismatch({ task: 't3', lane: 3 })).toBe('claim-too-late');
  });

  it('keeps its cover: a voucher on another lane cannot take it', async () => {
    const { id } = await file();
    const eats = await voucher(world, on, { lane: 2, cum: 61n });
    const { redeemed } = must(await world.ledger.redeem([{ voucher: eats }], null));
    expect(redeemed).toMatchObject([{ cum: '60', moved: '60' }]);
    await world.setTime(START + 60_000);
    must(await world.ledger.postClaim(id, null));
    expect(await balance(world, 'bob')).toBe(100n);
  });

  it('is void when its executor is shown to have signed two receipts for the task', async () => {
    const { id, made } = await file();
    const second = await receipt(world, on, { task: 't1', lane: 1, price: 39n });
    expect(await world.ledger.showEquivocation(id, made.envelope)).toMatchObject({
      code: 'receipts-equal',
    });
    const foreign = await receipt(world, on, { task: 't9', lane: 1, price: 39n });
    expect(await world.ledger.showEquivocation(id, foreign.envelope)).toMatchObject({
      code: 'task-wrong',
    });
    const voided = await claimOf(world.ledger.showEquivocation(id, second.envelope));
    expect(voided.state).toBe('voided');
    await world.setTime(START + 60_000);
    expect(await world.ledger.postClaim(id, null)).toMatchObject({ ok: false });
    expect(await balance(world, 'bob')).toBe(0n);
  });
});

describe('an objection', () => {
  it('on record before the claim makes it start disputed, with the price as bond', async () => {
    const made = await receipt(world, on, { task: 't1', lane: 1, price: 40n });
    must(await object(made.id));
    must(await object(made.id));
    const { result, id } = await file();
    expect(await claimOf(Promise.resolve(result))).toMatchObject({ state: 'disputed' });
    expect(await balance(world, 'alice')).toBe(60n);
    await world.setTime(START + 60_000);
    expect(await world.ledger.postClaim(id, null)).toMatchObject({ code: 'claim-not-pending' });
    expect(world.woken).toContain(world.signers.judge1.did);
  });

  it('that cannot put down its bond leaves the claim pending', async () => {
    const poor = await openActive(world, { payer: 'alice', payee: 'carol', amount: 100n, n: 2 });
    expect(await balance(world, 'alice')).toBe(0n);
    on = poor;
    const { result, made, id } = await file({}, 'carol');
    must(result);
    must(await object(made.id));
    expect(await claimOf(world.ledger.claim(id))).toMatchObject({ state: 'pending' });
  });

  it('upheld by two arbiters voids the claim and returns the bond', async () => {
    const { id, made } = await file();
    must(await object(made.id));
    expect(await verdict(id, 'voided', 0n, 'carol')).toMatchObject({ code: 'signer-unexpected' });
    expect(await claimOf(verdict(id, 'voided', 0n, 'judge1'))).toMatchObject({ state: 'disputed' });
    expect(await claimOf(verdict(id, 'voided', 0n, 'judge1'))).toMatchObject({ state: 'disputed' });
    expect(await claimOf(verdict(id, 'posted', 40n, 'judge2'))).toMatchObject({
      state: 'disputed',
    });
    expect(await claimOf(verdict(id, 'voided', 0n, 'judge3'))).toMatchObject({ state: 'voided' });
    expect(await balance(world, 'alice')).toBe(100n);
    expect(await balance(world, 'bob')).toBe(0n);
  });

  it('rejected pays the executor the price and the bond', async () => {
    const { id, made } = await file();
    must(await object(made.id));
    must(await verdict(id, 'posted', 40n, 'judge1'));
    expect(await verdict(id, 'posted', 41n, 'judge2')).toMatchObject({
      code: 'verdict-price-raised',
    });
    must(await verdict(id, 'posted', 40n, 'judge2'));
    expect(await balance(world, 'alice')).toBe(60n);
    expect(await balance(world, 'bob')).toBe(80n);
  });

  it('that lowers the price returns the bond', async () => {
    const { id, made } = await file();
    must(await object(made.id));
    must(await verdict(id, 'posted', 25n, 'judge1'));
    must(await verdict(id, 'posted', 25n, 'judge3'));
    expect(await balance(world, 'alice')).toBe(100n);
    expect(await balance(world, 'bob')).toBe(25n);
  });

  it('on which the arbiters keep silent for a week is over: the claim posts', async () => {
    const { id, made } = await file();
    must(await object(made.id));
    await world.setTime(START + 60_000 + 7 * DAY);
    const ports = { ledger: world.ports, failOverdue: async () => 0, holder: 'w' };
    expect(await sweep(ports)).toMatchObject({ posted: 1 });
    expect(await claimOf(world.ledger.claim(id))).toMatchObject({ verdict: 'deadline' });
    expect(await balance(world, 'alice')).toBe(100n);
    expect(await balance(world, 'bob')).toBe(40n);
  });

  it('and its bond end with a cooperative close', async () => {
    const { made } = await file();
    must(await object(made.id));
    const body = { ch: on.ch, cum_a: '0', cum_b: '0', not_after: String(START + 1_000) };
    must(
      await world.ledger.closeChannel(await sign(world, 'paych.close', body, 'alice', 'bob'), null),
    );
    expect(await balance(world, 'alice')).toBe(200n);
  });
});
