import { describe, expect, test } from 'vitest';
import { AMOUNT_MAX } from '../limits.ts';
import type { ChannelEvent } from './events.ts';
import { advanceChannel } from './lifecycle.ts';
import {
  ALICE,
  accepting,
  BOB,
  code,
  MALLORY,
  opening,
  played,
  redeeming,
  run,
  SampleLedger,
  TERMS,
} from './sample.ts';
import type { ChannelState } from './state.ts';

describe('opening', () => {
  test('holds each fund by its own signature, and only then is the channel active', () => {
    const ledger = new SampleLedger({ [ALICE]: 10_000n, [BOB]: 10_000n });
    const offered = run(ledger, [1_000, opening()]);
    expect(offered.phase).toBe('opening');
    expect([ledger.available(ALICE), ledger.available(BOB)]).toEqual([9_000n, 10_000n]);
    const both = played();
    expect(both.state).toMatchObject({ phase: 'active', escrow: { a: 1000n, b: 100n } });
    expect(both.ledger.available(BOB)).toBe(9_900n);
  });

  const offered = run(new SampleLedger({ [ALICE]: 10_000n }), [1_000, opening()]);
  test.each<[string, ChannelState | null, ChannelEvent, number, string]>([
    ['at open_by', null, opening(), 5_000, 'open-by-passed'],
    ['of a channel that exists', offered, opening(), 1_000, 'channel-exists'],
    [
      'without the money',
      null,
      { ...opening(), available: 999n } as ChannelEvent,
      1_000,
      'funds-insufficient',
    ],
    ['by a stranger', null, { ...opening(), by: MALLORY } as ChannelEvent, 1_000, 'party-wrong'],
    ['by the other party', null, { ...opening(), by: BOB } as ChannelEvent, 1_000, 'party-wrong'],
    [
      'accepted by the opener itself',
      offered,
      { ...accepting, by: ALICE } as ChannelEvent,
      1_000,
      'party-wrong',
    ],
    [
      'accepted by a stranger',
      offered,
      { ...accepting, by: MALLORY } as ChannelEvent,
      1_000,
      'party-wrong',
    ],
    ['accepted at open_by', offered, accepting, 5_000, 'open-by-passed'],
    [
      'accepted without the money',
      offered,
      { ...accepting, available: 99n } as ChannelEvent,
      1_000,
      'funds-insufficient',
    ],
    ['accepted before it was offered', null, accepting, 1_000, 'channel-unknown'],
    ['paid from before the second signature', offered, redeeming(1n), 1_000, 'channel-opening'],
    [
      'closed before the second signature',
      offered,
      { type: 'close1', by: ALICE },
      1_000,
      'channel-opening',
    ],
    [
      'cancelled by the other party in time',
      offered,
      { type: 'cancel', by: BOB },
      4_999,
      'open-by-pending',
    ],
    ['cleared away in time', offered, { type: 'cancel', by: null }, 4_999, 'open-by-pending'],
    ['cancelled by its opener', offered, { type: 'cancel', by: ALICE }, 1_001, 'taken: closed'],
    ['cleared away at open_by', offered, { type: 'cancel', by: null }, 5_000, 'taken: closed'],
  ])('%s', (_, state, event, now, expected) => {
    expect(code(state, event, now)).toBe(expected);
  });

  test('an offer that nobody took returns every micro-unit', () => {
    const ledger = new SampleLedger({ [ALICE]: 10_000n });
    run(ledger, [1_000, opening()], [5_000, { type: 'cancel', by: null }]);
    expect(ledger.available(ALICE)).toBe(10_000n);
  });

  test.each<[string, Partial<typeof TERMS>, { a: bigint; b: bigint }]>([
    ['b', { b: ALICE }, { a: 1n, b: 0n }],
    ['expires_at', { expiresAt: 5_000 }, { a: 1n, b: 0n }],
    ['open_by', { openBy: 1.5 }, { a: 1n, b: 0n }],
    ['window_ms', { windowMs: 59_999 }, { a: 1n, b: 0n }],
    ['claim_ms', { claimMs: 1_209_600_001 }, { a: 1n, b: 0n }],
    ['fund_a', {}, { a: AMOUNT_MAX + 1n, b: 0n }],
    ['fund_b', {}, { a: 1n, b: -1n }],
  ])('names the term that no ledger takes: %s', (field, terms, fund) => {
    const event: ChannelEvent = { ...opening(fund), terms: { ...TERMS, ...terms } } as ChannelEvent;
    expect(advanceChannel(null, event, 1_000)).toEqual({
      ok: false,
      code: 'terms-invalid',
      detail: field,
    });
  });

  test('takes the shortest and the longest window there are', () => {
    for (const ms of [60_000, 1_209_600_000]) {
      const terms = { ...TERMS, windowMs: ms, claimMs: ms };
      expect(code(null, { ...opening(), terms } as ChannelEvent, 1_000)).toBe('taken: opening');
    }
  });
});
