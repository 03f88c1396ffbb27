import { describe, expect, test } from 'vitest';
import { TASK_SLACK_MS } from '../limits.ts';
import { acceptCond, acceptTask, acceptVoucher, type ExecutorTerms } from './acceptance.ts';
import { type CondTerms, condNotAfter, type TaskTerms, type VoucherTerms } from './bodies.ts';
import {
  type Budget,
  claimEnded,
  claimFiled,
  condDropped,
  exposure,
  laneSynced,
  receiptMade,
} from './budget.ts';
import { BOB, MALLORY, TERMS } from './sample.ts';
import { budget, cond, NOW, outcome, taken, voucher } from './sample-budget.ts';

const withCond = taken(acceptCond(budget, cond(), NOW));

describe('a payee takes a voucher', () => {
  test.each<[string, Budget, VoucherTerms, number, string]>([
    ['of the whole fund', budget, voucher(1000n), NOW, 'taken'],
    ['over the fund', budget, voucher(1001n), NOW, 'fund-exceeded'],
    [
      'no higher than what it holds',
      taken(acceptVoucher(budget, voucher(5n), NOW)),
      voucher(5n),
      NOW,
      'voucher-not-higher',
    ],
    ['of nothing', budget, voucher(0n), NOW, 'voucher-not-higher'],
    ['of another channel', budget, voucher(1n, { ch: 'D' }), NOW, 'channel-wrong'],
    ['of its own direction', budget, voucher(1n, { dir: 'b' }), NOW, 'channel-wrong'],
    ['on lane 256', budget, voucher(1n, { lane: 256 }), NOW, 'lane-invalid'],
    [
      'before the channel is open',
      { ...budget, phase: 'opening' },
      voucher(1n),
      NOW,
      'channel-not-active',
    ],
    ['after it closed', { ...budget, phase: 'closed' }, voucher(1n), NOW, 'channel-not-active'],
    [
      'while it closes',
      { ...budget, phase: 'closing', closeAt: NOW + TASK_SLACK_MS },
      voucher(1n),
      NOW,
      'taken',
    ],
    [
      'with no time to redeem it',
      { ...budget, phase: 'closing', closeAt: NOW + TASK_SLACK_MS - 1 },
      voucher(1n),
      NOW,
      'channel-expiring',
    ],
    [
      'past the life of the channel',
      budget,
      voucher(1n),
      TERMS.expiresAt + TERMS.windowMs,
      'channel-expiring',
    ],
    ['that leaves room for the open condition', withCond, voucher(940n), NOW, 'taken'],
    ['that eats into the open condition', withCond, voucher(941n), NOW, 'fund-exceeded'],
    [
      'on the lane of the condition, which it replaces',
      withCond,
      voucher(1000n, { lane: 1 }),
      NOW,
      'taken',
    ],
  ])('%s', (_, held, offered, now, expected) => {
    expect(outcome(acceptVoucher(held, offered, now))).toBe(expected);
  });
});

describe('a payee takes a condition', () => {
  const settled = taken(
    acceptVoucher(receiptMade(withCond, 1, 40n), voucher(40n, { lane: 1 }), NOW),
  );
  test.each<[string, Budget, CondTerms, number, string]>([
    ['within the fund', budget, cond({ cap: 1000n }), NOW, 'taken'],
    ['over the fund', budget, cond({ cap: 1001n }), NOW, 'fund-exceeded'],
    [
      'that with another exceeds the fund',
      withCond,
      cond({ lane: 2, cap: 941n }),
      NOW,
      'fund-exceeded',
    ],
    ['on lane 0', budget, cond({ lane: 0 }), NOW, 'lane-invalid'],
    ['of another channel', budget, cond({ ch: 'D' }), NOW, 'channel-wrong'],
    ['of its own direction', budget, cond({ dir: 'b' }), NOW, 'channel-wrong'],
    ['on lane 256', budget, cond({ lane: 256 }), NOW, 'lane-invalid'],
    ['without a cap', budget, cond({ cap: 0n }), NOW, 'cap-invalid'],
    ['for somebody else', budget, cond({ executor: MALLORY }), NOW, 'executor-wrong'],
    [
      'while the channel closes',
      { ...budget, phase: 'closing', closeAt: 900_000 },
      cond(),
      NOW,
      'channel-not-active',
    ],
    [
      'with a window left before expiry',
      budget,
      cond(),
      TERMS.expiresAt - TERMS.windowMs - 1,
      'taken',
    ],
    [
      'without a window left before expiry',
      budget,
      cond(),
      TERMS.expiresAt - TERMS.windowMs,
      'channel-expiring',
    ],
    ['on a lane whose task runs', withCond, cond({ id: 'l', task: 'u' }), NOW, 'lane-busy'],
    [
      'on a lane whose receipt is unpaid',
      receiptMade(withCond, 1, 40n),
      cond({ id: 'l', base: 40n }),
      NOW,
      'lane-busy',
    ],
    [
      'on a lane whose claim is undecided, even past not_after',
      claimFiled(withCond, 1),
      cond({ id: 'l' }),
      800_001,
      'lane-busy',
    ],
    ['on a lane whose condition is dead', withCond, cond({ id: 'l' }), 800_001, 'taken'],
    ['on a lane whose condition dies now', withCond, cond({ id: 'l' }), 800_000, 'lane-busy'],
    ['on a settled lane from what is due', settled, cond({ id: 'l', base: 40n }), NOW, 'taken'],
    [
      'on a settled lane from less, which would make the second task free',
      settled,
      cond({ id: 'l', base: 0n }),
      NOW,
      'base-too-low',
    ],
    [
      'after a posted claim from less',
      claimEnded(claimFiled(withCond, 1), 1, 40n),
      cond({ base: 39n }),
      NOW,
      'base-too-low',
    ],
    [
      'after a voided claim from what was held',
      claimEnded(claimFiled(withCond, 1), 1, null),
      cond(),
      NOW,
      'taken',
    ],
    ['after a task it rejected', condDropped(withCond, 1), cond({ id: 'l' }), NOW, 'taken'],
  ])('%s', (_, held, offered, now, expected) => {
    expect(outcome(acceptCond(held, offered, now))).toBe(expected);
  });

  test('and counts it until it is settled or dead', () => {
    expect(exposure(withCond, NOW)).toBe(60n);
    expect(exposure(withCond, 800_000)).toBe(60n);
    expect(exposure(withCond, 800_001)).toBe(0n);
    expect(exposure(claimFiled(withCond, 1), 800_001)).toBe(60n);
    expect(exposure(claimEnded(claimFiled(withCond, 1), 1, 40n), NOW)).toBe(40n);
    expect(exposure(laneSynced(receiptMade(withCond, 1, 40n), 1, 40n, 'm'), NOW)).toBe(40n);
    expect(exposure(laneSynced(withCond, 1, 40n, 'm'), NOW)).toBe(60n);
  });
});

describe('an executor takes a task', () => {
  const task: TaskTerms = {
    id: 't',
    executor: BOB,
    price: { base: 10n, perMgas: 5n, perPage: 2n, max: 60n },
    meter: 'zsm1',
    gasMax: 1_000_000n,
    pagesMax: 16n,
    wallMsMax: 5_000,
    inputLen: 100n,
    outputMax: 1_000n,
    notAfter: 200_000,
  };
  const own: ExecutorTerms = {
    meter: 'zsm1',
    price: { base: 10n, perMgas: 5n, perPage: 2n },
    limits: {
      gasMax: 2_000_000n,
      pagesMax: 16n,
      wallMsMax: 10_000,
      inputMax: 100n,
      outputMax: 1_000n,
    },
    gasPerMs: 200n,
    queueMs: 3_000,
  };
  const offer = (changes: Partial<TaskTerms> = {}, condChanges: Partial<CondTerms> = {}) => {
    const asked = { ...task, ...changes };
    return {
      task: asked,
      cond: cond({ notAfter: condNotAfter(asked), cap: asked.price.max, ...condChanges }),
    };
  };
  const answer = (
    offered: ReturnType<typeof offer>,
    terms: Partial<ExecutorTerms> = {},
    now = NOW,
  ) => {
    const accepted = acceptTask(budget, offered, { ...own, ...terms }, now);
    return accepted.ok ? 'taken' : [accepted.code, accepted.detail].filter(Boolean).join(' ');
  };

  test('and signs a deadline after its queue and the wall limit', () => {
    const accepted = acceptTask(budget, offer(), own, NOW);
    expect(accepted).toMatchObject({ ok: true, value: { deadline: NOW + 3_000 + 5_000 } });
    expect(accepted.ok && accepted.value.budget.lanes[1]?.cond?.task).toBe('t');
  });

  test.each<[string, string, ReturnType<typeof offer>, Partial<ExecutorTerms>, number]>([
    ['gas as fast as it measured', 'taken', offer({ gasMax: 1_000_000n }), {}, NOW],
    [
      'gas that outlasts the wall limit',
      'gas-exceeds-wall',
      offer({ gasMax: 1_000_001n }),
      {},
      NOW,
    ],
    ['gas over the card', 'limit-exceeds-card gas_max', offer({ gasMax: 2_000_001n }), {}, NOW],
    ['pages over the card', 'limit-exceeds-card pages_max', offer({ pagesMax: 17n }), {}, NOW],
    [
      'a wall limit over the card',
      'limit-exceeds-card wall_ms_max',
      offer({ wallMsMax: 10_001 }),
      {},
      NOW,
    ],
    ['an input over the card', 'limit-exceeds-card input_len', offer({ inputLen: 101n }), {}, NOW],
    [
      'an output over the card',
      'limit-exceeds-card output_max',
      offer({ outputMax: 1_001n }),
      {},
      NOW,
    ],
    ['another meter', 'meter-unknown', offer({ meter: 'zsm2' }), {}, NOW],
    [
      'a base price under the card',
      'price-below-card price_base',
      offer({ price: { ...task.price, base: 9n } }),
      {},
      NOW,
    ],
    [
      'a gas price under the card',
      'price-below-card price_per_mgas',
      offer({ price: { ...task.price, perMgas: 4n } }),
      {},
      NOW,
    ],
    [
      'a page price under the card',
      'price-below-card price_per_page',
      offer({ price: { ...task.price, perPage: 1n } }),
      {},
      NOW,
    ],
    [
      'a maximum under the base',
      'price-max-below-base',
      offer({ price: { ...task.price, max: 9n } }),
      {},
      NOW,
    ],
    ['a cap that is not the maximum', 'cap-wrong', offer({}, { cap: 61n }), {}, NOW],
    ['a condition for another task', 'task-wrong', offer({}, { task: 'u' }), {}, NOW],
    ['a manifest for somebody else', 'executor-wrong', offer({ executor: MALLORY }), {}, NOW],
    [
      'a condition for somebody else',
      'executor-wrong',
      offer({ executor: MALLORY }, { executor: MALLORY }),
      {},
      NOW,
    ],
    [
      'a condition that lapses early',
      'cond-not-after-wrong',
      offer({}, { notAfter: 799_999 }),
      {},
      NOW,
    ],
    ['work that just fits the window', 'taken', offer(), { queueMs: 135_000 }, NOW - 10_000],
    [
      'work that outlasts the window',
      'wall-exceeds-window',
      offer({ notAfter: 500_000 }),
      { queueMs: 135_001 },
      NOW,
    ],
    ['work that just ends in time', 'taken', offer(), {}, 200_000 - 68_000],
    ['work that ends too late', 'not-after-too-soon', offer(), {}, 200_000 - 67_999],
    [
      'work on a channel about to expire',
      'channel-expiring',
      offer({ notAfter: 9_900_000 }),
      {},
      8_800_000,
    ],
    [
      'more than the fund',
      'fund-exceeded',
      offer({ price: { ...task.price, max: 1001n } }),
      {},
      NOW,
    ],
  ])('%s: %s', (_, expected, offered, terms, now) => {
    expect(answer(offered, terms, now)).toBe(expected);
  });
});
