import { describe, expect, test } from 'vitest';
import { acceptCond, acceptVoucher } from './acceptance.ts';
import type { Budget } from './budget.ts';
import { acceptCoopClose, acceptProposal, DEFAULT_POLICY } from './policy.ts';
import { BOB, MALLORY, TERMS } from './sample.ts';
import { budget, cond, NOW, taken, voucher } from './sample-budget.ts';

const withCond = taken(acceptCond(budget, cond(), NOW));

describe('a node co-signs', () => {
  const terms = { ...TERMS, windowMs: 600_000 };
  const policy = { did: BOB, ...DEFAULT_POLICY, payerFundMin: 50n };
  test.each<[string, Partial<typeof terms>, { a: bigint; b: bigint }, number, string]>([
    ['a channel that pays it', {}, { a: 50n, b: 0n }, NOW - 6_000, 'signed'],
    ['none that asks for its money', {}, { a: 50n, b: 1n }, NOW - 6_000, 'fund-asked'],
    ['none too small for its cheapest card', {}, { a: 49n, b: 0n }, NOW - 6_000, 'fund-too-small'],
    [
      'none with a short window',
      { windowMs: 599_999 },
      { a: 50n, b: 0n },
      NOW - 6_000,
      'window-too-short',
    ],
    [
      'none that lives no longer than its window',
      { expiresAt: 604_000 },
      { a: 50n, b: 0n },
      NOW - 6_000,
      'lifetime-too-short',
    ],
    ['none that is over', {}, { a: 50n, b: 0n }, 5_000, 'open-by-passed'],
    [
      'none that it opened itself',
      { openedBy: 'b' },
      { a: 50n, b: 0n },
      NOW - 6_000,
      'party-wrong',
    ],
    ['none between others', { b: MALLORY }, { a: 50n, b: 0n }, NOW - 6_000, 'party-wrong'],
  ])('%s', (_, changes, fund, now, expected) => {
    const answer = acceptProposal({ terms: { ...terms, ...changes }, fund }, policy, now);
    expect(answer.ok ? 'signed' : answer.code).toBe(expected);
  });

  const incoming = taken(acceptVoucher(budget, voucher(70n), NOW));
  const outgoing: Budget = { ...budget, dir: 'b', fund: 100n };
  const close = (a: bigint, b = 0n) => ({ cum: { a, b }, notAfter: 20_000 });
  test.each<[string, Budget, ReturnType<typeof close>, number, string]>([
    ['a close at what it holds', incoming, close(70n), NOW, 'signed'],
    ['no close under what it holds', incoming, close(69n), NOW, 'total-too-low'],
    ['no close over what it signed', incoming, close(70n, 1n), NOW, 'total-too-high'],
    ['no close while a task is open', withCond, close(0n), NOW, 'cond-open'],
    ['no close that is over', incoming, close(70n), 20_001, 'close-expired'],
  ])('%s', (_, held, proposed, now, expected) => {
    const answer = acceptCoopClose({ incoming: held, outgoing }, proposed, now);
    expect(answer.ok ? 'signed' : answer.code).toBe(expected);
  });
});
