import { describe, expect, test } from 'vitest';
import type { ChannelCode } from './errors.ts';
import type { ChannelEvent } from './events.ts';
import {
  ALICE,
  accepting,
  BOB,
  claiming,
  closingBoth,
  code,
  MALLORY,
  played,
  redeeming,
  verdict,
} from './sample.ts';
import { type ChannelState, isLiveClaim } from './state.ts';

describe('closing', () => {
  test('alone: the other has the window, then the rest returns', () => {
    const { state, ledger } = played(
      [2_000, { type: 'close1', by: ALICE }],
      [201_999, redeeming(70n)],
      [202_000, { type: 'finalize' }],
    );
    expect(state).toMatchObject({ phase: 'closed', escrow: { a: 0n, b: 0n }, final: null });
    expect([ledger.available(ALICE), ledger.available(BOB)]).toEqual([9_930n, 10_070n]);
  });

  test('together: the signed totals are paid, live claims are part of the agreement', () => {
    const object: ChannelEvent = { type: 'dispute.open', claim: 'k', by: ALICE, available: 9_000n };
    const { state, ledger } = played(
      [2_000, redeeming(30n)],
      [2_000, claiming('k')],
      [2_000, object],
      [3_000, closingBoth(55n, 5n)],
    );
    expect(state).toMatchObject({ phase: 'closed', final: { a: 55n, b: 5n } });
    expect(Object.values(state.claims).some(isLiveClaim)).toBe(false);
    expect([ledger.available(ALICE), ledger.available(BOB)]).toEqual([9_950n, 10_050n]);
    expect(ledger.balance('bnd:k')).toBe(0n);
  });

  const { state } = played([2_000, redeeming(30n)]);
  const closing = played([2_000, { type: 'close1', by: ALICE }]).state;
  const closed = played([2_000, redeeming(30n)], [3_000, closingBoth(30n, 0n)]).state;
  const late = { ...closingBoth(30n, 0n), notAfter: 2_999 } as ChannelEvent;
  test.each<[string, ChannelState, ChannelEvent, number, string]>([
    ['by a stranger', state, { type: 'close1', by: MALLORY }, 2_000, 'party-wrong'],
    ['twice', closing, { type: 'close1', by: BOB }, 2_000, 'channel-closing'],
    ['by the clock too early', state, { type: 'expire' }, 8_999_999, 'expiry-pending'],
    ['by the clock', state, { type: 'expire' }, 9_000_000, 'taken: closing'],
    [
      'finally before the window is over',
      closing,
      { type: 'finalize' },
      201_999,
      'close-window-pending',
    ],
    ['finally while active', state, { type: 'finalize' }, 201_999, 'channel-active'],
    [
      'together with one signature',
      state,
      { ...closingBoth(30n, 0n), by: [ALICE] } as ChannelEvent,
      2_000,
      'close-signature-missing',
    ],
    ['together under what was redeemed', state, closingBoth(29n, 0n), 2_000, 'close-total-invalid'],
    ['together over the fund', state, closingBoth(30n, 101n), 2_000, 'close-total-invalid'],
    ['together too late', state, late, 3_000, 'close-not-after-passed'],
    ['together while closing', closing, closingBoth(1000n, 100n), 2_000, 'taken: closed'],
    ['together twice', closed, closingBoth(30n, 0n), 2_000, 'channel-closed'],
    [
      'then a stale voucher, which is answered as one',
      closed,
      redeeming(30n),
      4_000,
      'redeem-stale',
    ],
  ])('%s', (_, channel, event, now, expected) => {
    expect(code(channel, event, now)).toBe(expected);
  });

  test('is final: nothing reopens, pays, claims or finishes it again', () => {
    const events: ChannelEvent[] = [
      accepting,
      redeeming(31n),
      claiming('k'),
      { type: 'cancel', by: ALICE },
      { type: 'close1', by: ALICE },
      { type: 'expire' },
      { type: 'finalize' },
      { type: 'claim.post', claim: 'k' },
      { type: 'dispute.deadline', claim: 'k' },
      verdict('k', 'posted', 1n),
    ];
    for (const event of events) {
      expect([event.type, code(closed, event, 10 ** 12)]).toEqual([
        event.type,
        'channel-closed' satisfies ChannelCode,
      ]);
    }
  });
});
