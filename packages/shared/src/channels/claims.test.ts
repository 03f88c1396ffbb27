import { describe, expect, test } from 'vitest';
import { AMOUNT_MAX } from '../limits.ts';
import type { ChannelEvent } from './events.ts';
import {
  ALICE,
  type At,
  BOB,
  claiming,
  code,
  court,
  MALLORY,
  played,
  redeeming,
  verdict,
} from './sample.ts';
import { type ChannelState, DISPUTE_MS_MAX } from './state.ts';

describe('a claim', () => {
  test('posts base + price after claim_ms, and leaves its id as the memo', () => {
    const { state, ledger } = played(
      [2_000, claiming('k', { base: 5n })],
      [62_000, { type: 'claim.post', claim: 'k' }],
    );
    expect(state.lanes.a[1]).toEqual({ cum: 45n, via: 'k', memo: 'k' });
    expect(ledger.available(BOB)).toBe(9_945n);
  });

  test('and the voucher it stands for pay once: max, never a sum', () => {
    const overtaken = played(
      [2_000, claiming('k')],
      [2_000, redeeming(40n, 1)],
      [62_000, { type: 'claim.post', claim: 'k' }],
    );
    expect(overtaken.state.escrow.a).toBe(960n);
    expect(overtaken.state.lanes.a[1]?.via).toBe('v:a:1:40');
    const partly = played(
      [2_000, claiming('k')],
      [2_000, redeeming(15n, 1)],
      [62_000, { type: 'claim.post', claim: 'k' }],
    );
    expect(partly.state.escrow.a).toBe(960n);
  });

  const { state } = played();
  const claimed = played([2_000, claiming('k')]).state;
  const posted = played([2_000, claiming('k')], [62_000, { type: 'claim.post', claim: 'k' }]).state;
  const closing = played([2_000, { type: 'close1', by: ALICE }]).state;
  test.each<[string, ChannelState, ChannelEvent, number, string]>([
    ['filed by the payer', state, claiming('k', {}, { by: ALICE }), 2_000, 'party-wrong'],
    ['filed by a stranger', state, claiming('k', {}, { by: MALLORY }), 2_000, 'party-wrong'],
    ['on lane 0', state, claiming('k', { lane: 0 }), 2_000, 'lane-invalid'],
    ['on lane 256', state, claiming('k', { lane: 256 }), 2_000, 'lane-invalid'],
    ['over its cap', state, claiming('k', { price: 61n }), 2_000, 'claim-price-invalid'],
    ['without a cap', state, claiming('k', { cap: 0n, price: 0n }), 2_000, 'claim-price-invalid'],
    ['of a negative base', state, claiming('k', { base: -1n }), 2_000, 'amount-invalid'],
    [
      'past 2^53',
      state,
      claiming('k', { base: AMOUNT_MAX, cap: 1n, price: 1n }),
      2_000,
      'amount-invalid',
    ],
    ['above the escrow', state, claiming('k', { base: 980n }), 2_000, 'escrow-insufficient'],
    ['at its not_after', state, claiming('k'), 800_000, 'taken: active'],
    ['after its not_after', state, claiming('k'), 800_001, 'claim-too-late'],
    ['at the end of the window', closing, claiming('k'), 202_000, 'claim-too-late'],
    ['just inside the window', closing, claiming('k'), 201_999, 'taken: closing'],
    ['twice', claimed, claiming('k'), 2_000, 'claim-exists'],
    ['twice, after it posted', posted, claiming('k'), 62_000, 'claim-exists'],
    [
      'for the same task',
      claimed,
      claiming('l', { lane: 2, task: 'task k' }),
      2_000,
      'task-claimed',
    ],
    [
      'for the same receipt',
      claimed,
      claiming('l', { lane: 2, receipt: 'receipt k' }),
      2_000,
      'receipt-claimed',
    ],
    [
      'for a task claimed elsewhere',
      state,
      claiming('k', {}, { elsewhere: { task: true, receipt: false } }),
      2_000,
      'task-claimed',
    ],
    [
      'for a receipt claimed elsewhere',
      state,
      claiming('k', {}, { elsewhere: { task: false, receipt: true } }),
      2_000,
      'receipt-claimed',
    ],
    ['while the lane has a live one', claimed, claiming('l'), 2_000, 'claim-lane-busy'],
    ['of what the lane has paid', posted, claiming('l'), 62_000, 'claim-pays-nothing'],
    [
      'with others above the escrow',
      claimed,
      claiming('l', { lane: 2, base: 921n }),
      2_000,
      'escrow-insufficient',
    ],
    [
      'with others exactly the escrow',
      claimed,
      claiming('l', { lane: 2, base: 920n }),
      2_000,
      'taken: active',
    ],
    ['posted early', claimed, { type: 'claim.post', claim: 'k' }, 61_999, 'claim-not-due'],
    ['posted twice', posted, { type: 'claim.post', claim: 'k' }, 62_000, 'claim-not-pending'],
    [
      'posted though unknown',
      claimed,
      { type: 'claim.post', claim: 'constructor' },
      62_000,
      'claim-unknown',
    ],
    ['eaten by a voucher on another lane', claimed, redeeming(961n), 2_000, 'escrow-insufficient'],
    ['left whole by a voucher on another lane', claimed, redeeming(960n), 2_000, 'taken: active'],
    [
      'half paid by a voucher on its lane, so that more is free',
      claimed,
      redeeming(1000n, 1),
      2_000,
      'taken: active',
    ],
  ])('%s', (_, channel, event, now, expected) => {
    expect(code(channel, event, now)).toBe(expected);
  });

  test('of two receipts for one task is void', () => {
    const equivocation: ChannelEvent = {
      type: 'claim.equivocation',
      claim: 'k',
      otherReceipt: 'other',
    };
    const voided = played([2_000, claiming('k')], [2_000, equivocation]);
    expect(voided.state.claims.k).toMatchObject({
      phase: 'voided',
      verdict: 'equivocation:receipt k:other',
    });
    expect(code(voided.state, equivocation, 2_000)).toBe('claim-final');
    expect(code(claimed, { ...equivocation, otherReceipt: 'receipt k' }, 2_000)).toBe(
      'receipts-equal',
    );
    expect(voided.ledger.available(BOB)).toBe(9_900n);
  });
});

describe('a dispute', () => {
  const object: ChannelEvent = { type: 'dispute.open', claim: 'k', by: ALICE, available: 9_000n };
  const disputed = (...events: readonly At[]) =>
    played([2_000, claiming('k')], [2_000, object], ...events);

  test('upheld: nothing is paid and the bond returns', () => {
    const { state, ledger } = disputed([3_000, verdict('k', 'voided')]);
    expect(state.claims.k).toMatchObject({ phase: 'voided', verdict: 'verdict on k' });
    expect([ledger.available(ALICE), ledger.available(BOB)]).toEqual([9_000n, 9_900n]);
  });

  test('rejected: the claim is paid and the bond goes to the executor', () => {
    const { ledger } = disputed([3_000, verdict('k', 'posted', 40n)]);
    expect([ledger.available(ALICE), ledger.available(BOB)]).toEqual([8_960n, 9_980n]);
  });

  test('right about the price: the lower one is paid and the bond returns', () => {
    const { ledger } = disputed([3_000, verdict('k', 'posted', 25n)]);
    expect([ledger.available(ALICE), ledger.available(BOB)]).toEqual([9_000n, 9_925n]);
  });

  test('without a verdict for seven days: the claim is paid and the bond returns', () => {
    const due = 62_000 + DISPUTE_MS_MAX;
    expect(code(disputed().state, { type: 'dispute.deadline', claim: 'k' }, due - 1)).toBe(
      'dispute-not-due',
    );
    const { state, ledger } = disputed([due, { type: 'dispute.deadline', claim: 'k' }]);
    expect(state.claims.k).toMatchObject({ phase: 'posted', verdict: 'deadline' });
    expect([ledger.available(ALICE), ledger.available(BOB)]).toEqual([9_000n, 9_940n]);
  });

  test('filed before the claim starts with it, and holds the bond in the same batch', () => {
    const { state, ledger } = played([2_000, claiming('k', {}, { objected: true })]);
    expect(state.claims.k).toMatchObject({ phase: 'disputed', bond: 40n });
    expect(ledger.balance('bnd:k')).toBe(40n);
    const poor = played([2_000, claiming('k', {}, { objected: true, available: 39n })]);
    expect(poor.state.claims.k).toMatchObject({ phase: 'pending', bond: 0n });
  });

  test('of one claim leaves every other lane alone', () => {
    const { state } = disputed(
      [2_000, redeeming(900n)],
      [2_000, claiming('l', { lane: 2 })],
      [62_000, { type: 'claim.post', claim: 'l' }],
    );
    expect(state.escrow.a).toBe(60n);
  });

  test('holds the channel open past its window, and its verdict still pays', () => {
    const closed = disputed([3_000, { type: 'close1', by: ALICE }]);
    expect(code(closed.state, { type: 'finalize' }, 203_000)).toBe('claims-live');
    const { state, ledger } = disputed(
      [3_000, { type: 'close1', by: ALICE }],
      [300_000, verdict('k', 'posted', 40n)],
      [300_000, { type: 'finalize' }],
    );
    expect(state.phase).toBe('closed');
    expect(ledger.available(BOB)).toBe(9_900n + 100n + 40n + 40n);
  });

  const pending = played([2_000, claiming('k')]).state;
  const open = disputed().state;
  test.each<[string, ChannelState, ChannelEvent, number, string]>([
    ['by the executor', pending, { ...object, by: BOB } as ChannelEvent, 2_000, 'party-wrong'],
    ['by a stranger', pending, { ...object, by: MALLORY } as ChannelEvent, 2_000, 'party-wrong'],
    [
      'without the bond',
      pending,
      { ...object, available: 39n } as ChannelEvent,
      2_000,
      'funds-insufficient',
    ],
    ['when the claim is due', pending, object, 62_000, 'dispute-too-late'],
    ['in the last millisecond', pending, object, 61_999, 'taken: active'],
    ['twice', open, object, 2_000, 'claim-not-pending'],
    [
      'and posting meanwhile',
      open,
      { type: 'claim.post', claim: 'k' },
      70_000,
      'claim-not-pending',
    ],
    [
      'decided by a stranger',
      open,
      { ...verdict('k', 'voided'), signers: [MALLORY] },
      2_000,
      'verdict-quorum',
    ],
    [
      'decided by one of two',
      open,
      { ...verdict('k', 'voided'), court: { ...court, quorum: 2 } },
      2_000,
      'verdict-quorum',
    ],
    [
      'decided by one who signs twice',
      open,
      {
        ...verdict('k', 'voided'),
        signers: [court.arbiters[0] ?? '', court.arbiters[0] ?? ''],
        court: { ...court, quorum: 2 },
      },
      2_000,
      'verdict-quorum',
    ],
    [
      'decided by nobody',
      open,
      { ...verdict('k', 'voided'), signers: [], court: { ...court, quorum: 0 } },
      2_000,
      'verdict-quorum',
    ],
    ['decided at a higher price', open, verdict('k', 'posted', 41n), 2_000, 'verdict-price-raised'],
    ['decided at a negative price', open, verdict('k', 'posted', -1n), 2_000, 'amount-invalid'],
    ['decided before it was opened', pending, verdict('k', 'voided'), 2_000, 'claim-not-disputed'],
    [
      'ended by the deadline before it was opened',
      pending,
      { type: 'dispute.deadline', claim: 'k' },
      10 ** 12,
      'claim-not-disputed',
    ],
  ])('%s', (_, state, event, now, expected) => {
    expect(code(state, event, now)).toBe(expected);
  });
});
