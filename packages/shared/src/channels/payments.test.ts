import { describe, expect, test } from 'vitest';
import { AMOUNT_MAX } from '../limits.ts';
import type { ChannelEvent } from './events.ts';
import {
  ALICE,
  type At,
  accepting,
  BOB,
  claiming,
  closingBoth,
  code,
  MALLORY,
  opening,
  played,
  redeeming,
  run,
  SampleLedger,
} from './sample.ts';
import type { ChannelState } from './state.ts';

describe('the published payments', () => {
  test('deposits 1000 and 0.001, payments 50 to 150, end as 500.000 and 500.001', () => {
    const unit = 1_000_000n;
    const ledger = new SampleLedger({ [ALICE]: 1000n * unit, [BOB]: 1000n });
    const payments = [50n, 75n, 100n, 125n, 150n];
    let cum = 0n;
    const vouchers = payments.map((payment): At => {
      cum += payment * unit;
      return [2_000, redeeming(cum)];
    });
    const state = run(
      ledger,
      [1_000, opening({ a: 1000n * unit, b: 1000n })],
      [1_000, accepting],
      // Off the ledger only the last one counts: the first four need not be seen at all.
      ...vouchers.slice(4),
      [3_000, closingBoth(cum, 0n)],
    );
    expect(cum).toBe(500n * unit);
    expect(state.phase).toBe('closed');
    expect(ledger.available(ALICE)).toBe(500_000_000n);
    expect(ledger.available(BOB)).toBe(500_001_000n);
    expect(ledger.conservation()).toBe(0n);
  });
});

describe('paying', () => {
  test('a lane pays the difference to the payee, in both directions independently', () => {
    const { state, ledger } = played(
      [2_000, redeeming(50n)],
      [2_000, redeeming(80n)],
      [2_000, redeeming(30n, 0, 'b')],
    );
    expect(state.escrow).toEqual({ a: 920n, b: 70n });
    expect(ledger.available(BOB)).toBe(9_900n + 80n);
    expect(ledger.available(ALICE)).toBe(9_000n + 30n);
  });

  const paid = played([2_000, redeeming(50n)]).state;
  const closing = played([2_000, { type: 'close1', by: BOB }]).state;
  test.each<[string, ChannelState, ChannelEvent, number, string]>([
    ['the same voucher again', paid, redeeming(50n), 2_000, 'redeem-stale'],
    ['a stale voucher', paid, redeeming(49n), 2_000, 'redeem-stale'],
    ['more than the escrow', paid, redeeming(1001n), 2_000, 'escrow-insufficient'],
    ['exactly the escrow', paid, redeeming(1000n), 2_000, 'taken: active'],
    ['on two lanes more than the escrow', paid, redeeming(951n, 7), 2_000, 'escrow-insufficient'],
    ['lane 256', paid, redeeming(1n, 256), 2_000, 'lane-invalid'],
    ['lane -1', paid, redeeming(1n, -1), 2_000, 'lane-invalid'],
    ['lane 0.5', paid, redeeming(1n, 0.5), 2_000, 'lane-invalid'],
    ['nothing', paid, redeeming(0n), 2_000, 'amount-invalid'],
    ['a negative total', paid, redeeming(-5n), 2_000, 'amount-invalid'],
    ['past 2^53', paid, redeeming(AMOUNT_MAX + 1n), 2_000, 'amount-invalid'],
    ['at the last moment of the window', closing, redeeming(1n), 201_999, 'taken: closing'],
    ['when the window is over', closing, redeeming(1n), 202_000, 'redeem-window-passed'],
    ['after expiry, before anyone noticed', paid, redeeming(51n), 9_000_001, 'taken: active'],
  ])('%s', (_, state, event, now, expected) => {
    expect(code(state, event, now)).toBe(expected);
  });
});

describe('adding money', () => {
  const topup = (nonce: string, changes = {}): ChannelEvent =>
    ({
      type: 'topup',
      dir: 'a',
      amount: 200n,
      nonce,
      by: ALICE,
      available: 9_000n,
      ...changes,
    }) as ChannelEvent;

  test('a top-up raises fund and escrow once for each nonce', () => {
    const { state, ledger } = played([2_000, topup('n')]);
    expect(state).toMatchObject({ fund: { a: 1200n, b: 100n }, escrow: { a: 1200n, b: 100n } });
    expect(ledger.available(ALICE)).toBe(8_800n);
    expect(code(state, topup('n'), 2_000)).toBe('nonce-used');
    expect(code(state, topup('n', { amount: 5n }), 2_000)).toBe('nonce-used');
    expect(code(state, topup('m'), 2_000)).toBe('taken: active');
  });

  const { state } = played();
  const closing = played([2_000, { type: 'close1', by: BOB }]).state;
  test.each<[string, ChannelState, ChannelEvent, string]>([
    ['by the payee', state, topup('n', { by: BOB }), 'party-wrong'],
    ['by a stranger', state, topup('n', { by: MALLORY }), 'party-wrong'],
    ['without the money', state, topup('n', { available: 199n }), 'funds-insufficient'],
    ['of nothing', state, topup('n', { amount: 0n }), 'amount-invalid'],
    [
      'past 2^53 in all',
      state,
      topup('n', { amount: AMOUNT_MAX, available: AMOUNT_MAX }),
      'amount-invalid',
    ],
    ['into a closing channel', closing, topup('n'), 'channel-closing'],
  ])('refused %s', (_, channel, event, expected) => {
    expect(code(channel, event, 2_000)).toBe(expected);
  });

  test('a roll moves what was redeemed elsewhere into the own budget, once', () => {
    const from = { ch: 'D', dir: 'a' as const };
    const roll: ChannelEvent = {
      type: 'roll',
      dir: 'b',
      amount: 20n,
      nonce: 'n',
      by: BOB,
      available: 20n,
      from,
    };
    const rolled = played([2_000, roll]);
    expect(rolled.state.fund.b).toBe(120n);
    expect(code(rolled.state, roll, 2_000)).toBe('nonce-used');
    expect(code(rolled.state, { ...roll, nonce: 'm', by: ALICE }, 2_000)).toBe('party-wrong');
  });
});

describe('a payer that spends a little on another lane', () => {
  const nearlyAll = redeeming(1000n);
  const spent = played([2_000, redeeming(1n, 7)]).state;

  test('does not lock away what its payee holds: the voucher pays all that is there', () => {
    expect(code(spent, nearlyAll, 2_000)).toBe('escrow-insufficient');
    const { state, ledger } = played(
      [2_000, redeeming(1n, 7)],
      [2_000, { ...nearlyAll, partial: true } as ChannelEvent],
    );
    expect(state.escrow.a).toBe(0n);
    expect(state.lanes.a[0]).toEqual({ cum: 999n, via: 'v:a:0:1000', memo: '' });
    expect(ledger.available(BOB)).toBe(9_900n + 1_000n);
  });

  test('pays the rest of the same voucher when it tops up', () => {
    const partial = { ...nearlyAll, partial: true } as ChannelEvent;
    const topup: ChannelEvent = {
      type: 'topup',
      dir: 'a',
      amount: 5n,
      nonce: 'n',
      by: ALICE,
      available: 9_000n,
    };
    const { state } = played(
      [2_000, redeeming(1n, 7)],
      [2_000, partial],
      [2_000, topup],
      [2_000, partial],
    );
    expect(state.lanes.a[0]?.cum).toBe(1000n);
    expect(state.escrow.a).toBe(4n);
    expect(code(state, partial, 2_000)).toBe('redeem-stale');
  });

  test('never gets at what is claimed, nor moves nothing', () => {
    const partial = { ...nearlyAll, partial: true } as ChannelEvent;
    const { state } = played([2_000, claiming('k')], [2_000, partial]);
    expect(state.escrow.a).toBe(40n);
    expect(code(state, redeeming(5n, 3), 2_000)).toBe('escrow-insufficient');
    expect(code(state, { ...redeeming(5n, 3), partial: true } as ChannelEvent, 2_000)).toBe(
      'escrow-insufficient',
    );
  });

  test('does not void a claim either: its price is lowered to what is there', () => {
    const { state } = played([2_000, redeeming(970n, 7)]);
    expect(code(state, claiming('k'), 2_000)).toBe('escrow-insufficient');
    const filed = played(
      [2_000, redeeming(970n, 7)],
      [2_000, claiming('k', {}, { partial: true })],
    );
    expect(filed.state.claims.k).toMatchObject({ price: 30n, bond: 0n });
    expect(code(state, claiming('k', { base: 30n }, { partial: true }), 2_000)).toBe(
      'taken: active',
    );
    expect(code(state, claiming('k', { base: 31n }, { partial: true }), 2_000)).toBe(
      'escrow-insufficient',
    );
  });
});
