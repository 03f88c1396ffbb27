import { type RailDebit, withdrawalAnswerSchema } from '@zerostate/shared';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { LedgerResult } from '../codes.ts';
import { createLedger } from '../store.ts';
import {
  balance,
  closeBalanced,
  createWorld,
  DAY,
  fund,
  hash,
  idem,
  must,
  type Name,
  nonce,
  openActive,
  START,
  sign,
  type World,
} from '../testing/world.ts';

let world: World;
beforeEach(async () => {
  world = await createWorld();
  await fund(world, 'alice', 100n);
});
afterEach(() => closeBalanced(world));

const ordered = (more: object = {}) => ({
  account: world.signers.alice.did,
  rail: 'operator',
  amount: '60',
  destination: 'DE02 1203 0000 0000 2020 51',
  nonce: nonce(1),
  not_after: String(START + DAY),
  ...more,
});
const order = (more: object = {}, by: Name = 'alice') =>
  sign(world, 'rail.withdraw', ordered(more), by);
const read = async (result: Promise<LedgerResult<string>>) =>
  withdrawalAnswerSchema.parse(JSON.parse(must(await result)));
const take = async (more: object = {}) => read(world.ledger.withdraw(await order(more), null));
type Word = Partial<RailDebit> & { withdrawal: string };
const word = (about: Word, by: Name = 'operator') =>
  sign(
    world,
    'rail.debit',
    { account: world.signers.alice.did, amount: '60', outcome: 'done', ...about },
    by,
  );
const say = async (about: Word, by: Name = 'operator') =>
  world.ledger.debit(await word(about, by), null);
const account = async (name: Name) => must(await world.ledger.account(world.signers[name].did));

describe('an order to withdraw', () => {
  it('holds the money before anybody could pay it, and cannot spend it again', async () => {
    const taken = await take();
    expect(taken).toMatchObject({ state: 'pending', amount: '60', seq: 1, settled_at: null });
    expect(await account('alice')).toMatchObject({ available: '40', withdrawing: '60' });
    expect(await world.ledger.withdraw(await order({ nonce: nonce(2) }), null)).toMatchObject({
      code: 'funds-insufficient',
      detail: 'amount',
    });
    expect(await balance(world, 'alice')).toBe(40n);
  });

  it('sent again after a lost reply gives the same withdrawal and holds nothing more', async () => {
    const envelope = await order();
    const first = must(await world.ledger.withdraw(envelope, idem()));
    expect(must(await world.ledger.withdraw(envelope, idem()))).toBe(first);
    const raced = await Promise.all([1, 2, 3].map(() => world.ledger.withdraw(envelope, null)));
    expect(raced.map((each) => each.ok && each.value)).toEqual([first, first, first]);
    expect(await account('alice')).toMatchObject({ available: '40', withdrawing: '60' });
  });

  it('takes no money that is frozen in a channel or in another withdrawal', async () => {
    await fund(world, 'bob', 100n);
    await openActive(world, { payer: 'alice', payee: 'bob', amount: 50n });
    expect(await world.ledger.withdraw(await order(), null)).toMatchObject({
      code: 'funds-insufficient',
    });
    await take({ amount: '50' });
    const more = await order({ amount: '1', nonce: nonce(2) });
    expect(await world.ledger.withdraw(more, null)).toMatchObject({ code: 'funds-insufficient' });
    expect(await account('alice')).toMatchObject({
      available: '0',
      escrow: '50',
      withdrawing: '50',
    });
  });

  it('works on objects that nobody may change and leaves them as they are', async () => {
    const frozen = deepFreeze(await order());
    const { withdrawal } = await read(world.ledger.withdraw(frozen, deepFreeze(idem())));
    must(await world.ledger.debit(deepFreeze(await word({ withdrawal, ext_ref: 'p' })), null));
    expect(await account('alice')).toMatchObject({ available: '40', withdrawing: '0' });
  });

  it.each<[string, () => Promise<unknown>, string]>([
    ['signed by somebody else', () => order({}, 'bob'), 'signer-missing'],
    ['that lapsed', () => order({ not_after: String(START - 1) }), 'withdraw-expired'],
    ['over the rail of play money', () => order({ rail: 'faucet' }), 'rail-closed'],
    ['over a rail that is not there', () => order({ rail: 'moon' }), 'rail-closed'],
    ['of nothing', () => order({ amount: '0' }), 'body-invalid'],
    ['of a fraction', () => order({ amount: '1.5' }), 'body-invalid'],
    ['of a negative amount', () => order({ amount: '-1' }), 'body-invalid'],
    ['with a leading zero', () => order({ amount: '060' }), 'body-invalid'],
    ['above 2^53 - 1', () => order({ amount: '9007199254740992' }), 'body-invalid'],
    ['to nowhere', () => order({ destination: '' }), 'body-invalid'],
    ['of another type', () => sign(world, 'rail.credit', ordered(), 'alice'), 'type-wrong'],
  ])('%s is refused and holds nothing', async (_name, make, code) => {
    const refused = await world.ledger.withdraw(await make(), null);
    expect(refused).toMatchObject({ ok: false, code });
    expect(await account('alice')).toMatchObject({ available: '100', withdrawing: '0' });
  });

  it('is refused where no operator could pay it', async () => {
    const closed = createLedger({ ...world.ports, operators: [] });
    expect(await closed.withdraw(await order(), null)).toMatchObject({ code: 'rail-closed' });
  });
});

describe("an operator's word", () => {
  it('pays a withdrawal out once, however often it is said', async () => {
    const { withdrawal } = await take();
    const paid = await read(world.ledger.debit(await word({ withdrawal, ext_ref: 'p1' }), null));
    expect(paid).toMatchObject({
      state: 'done',
      reference: 'p1',
      operator: world.signers.operator.did,
    });
    for (const key of [null, idem(), idem()]) {
      const again = await world.ledger.debit(await word({ withdrawal, ext_ref: 'p1' }), key);
      expect(must(again)).toBe(JSON.stringify(paid));
    }
    expect(await account('alice')).toMatchObject({ available: '40', withdrawing: '0' });
    const { transfers } = must(await world.ledger.transfers(0, 10));
    expect(transfers.map(({ code }) => code)).toEqual(['deposit', 'withdraw-hold', 'withdraw']);
  });

  it('returns the hold when it refuses, with the reason', async () => {
    const { withdrawal } = await take();
    const failed = { withdrawal, outcome: 'failed', reason: 'no such account' } as const;
    const refused = await read(world.ledger.debit(await word(failed), null));
    expect(refused).toMatchObject({ state: 'failed', reason: 'no such account', reference: null });
    must(await say(failed));
    expect(await account('alice')).toMatchObject({ available: '100', withdrawing: '0' });
  });

  it('is the first of two operators that differ: the other is told', async () => {
    const { operator, bob } = world.signers;
    world = {
      ...world,
      ledger: createLedger({ ...world.ports, operators: [operator.did, bob.did] }),
    };
    const { withdrawal } = await take();
    const results = await Promise.all([
      say({ withdrawal, ext_ref: 'p1' }),
      say({ withdrawal, outcome: 'failed', reason: 'no' }, 'bob'),
    ]);
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(results.find(({ ok }) => !ok)).toMatchObject({ code: 'withdrawal-final' });
    const { available, withdrawing } = await account('alice');
    expect([
      ['40', '0'],
      ['100', '0'],
    ]).toContainEqual([available, withdrawing]);
  });

  it('with another payment for a paid withdrawal is refused', async () => {
    const { withdrawal } = await take();
    must(await say({ withdrawal, ext_ref: 'p1' }));
    expect(await say({ withdrawal, ext_ref: 'p2' })).toMatchObject({ code: 'withdrawal-final' });
    expect(await say({ withdrawal, outcome: 'failed' })).toMatchObject({
      code: 'withdrawal-final',
    });
    expect(await account('alice')).toMatchObject({ available: '40', withdrawing: '0' });
  });

  it('names one payment for one withdrawal, also in a race', async () => {
    const first = await take({ amount: '30' });
    const second = await take({ amount: '30', nonce: nonce(2) });
    const results = await Promise.all(
      [first, second].map(({ withdrawal }) => say({ withdrawal, amount: '30', ext_ref: 'p' })),
    );
    expect(results.filter(({ ok }) => ok)).toHaveLength(1);
    expect(results.find(({ ok }) => !ok)).toMatchObject({ code: 'reference-used' });
    expect(await account('alice')).toMatchObject({ available: '40', withdrawing: '30' });
  });

  it.each<[string, (withdrawal: string) => ReturnType<typeof say>, string]>([
    [
      'on another amount',
      (withdrawal) => say({ withdrawal, amount: '61', ext_ref: 'p' }),
      'withdrawal-differs',
    ],
    [
      'on another account',
      (withdrawal) => say({ withdrawal, account: world.signers.bob.did, ext_ref: 'p' }),
      'withdrawal-differs',
    ],
    ['by nobody', (withdrawal) => say({ withdrawal, ext_ref: 'p' }, 'carol'), 'operator-unknown'],
    [
      'by the owner',
      (withdrawal) => say({ withdrawal, ext_ref: 'p' }, 'alice'),
      'operator-unknown',
    ],
    ['without its payment', (withdrawal) => say({ withdrawal }), 'body-invalid'],
    [
      'that refuses and names a payment',
      (withdrawal) => say({ withdrawal, outcome: 'failed', ext_ref: 'p' }),
      'body-invalid',
    ],
    ['on nothing', () => say({ withdrawal: hash('none'), ext_ref: 'p' }), 'withdrawal-unknown'],
  ])('%s is refused and moves nothing', async (_name, attempt, code) => {
    const { withdrawal } = await take();
    expect(await attempt(withdrawal)).toMatchObject({ ok: false, code });
    expect(await account('alice')).toMatchObject({ available: '40', withdrawing: '60' });
  });

  it('is taken up after a crash between the hold and the payment', async () => {
    const { withdrawal } = await take();
    // Another process over the same database, with nothing in memory.
    const later = createLedger(world.ports);
    const page = { after: 0, limit: 10 };
    const pending = JSON.parse(must(await later.withdrawals({ state: 'pending' }, page)));
    expect(pending.withdrawals).toMatchObject([{ withdrawal, state: 'pending' }]);
    must(await later.debit(await word({ withdrawal, ext_ref: 'p' }), null));
    expect(JSON.parse(must(await later.withdrawals({ state: 'pending' }, page)))).toEqual({
      withdrawals: [],
    });
    expect(await account('alice')).toMatchObject({ available: '40', withdrawing: '0' });
  });
});

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) Object.values(value).forEach(deepFreeze);
  return Object.freeze(value);
}
