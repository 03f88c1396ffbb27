import { describe, expect, test } from 'vitest';
import { TASK_SLACK_MS } from '../limits.ts';
import { acceptCond, acceptVoucher } from './acceptance.ts';
import { type CondTerms, claimFiling } from './bodies.ts';
import { claimFiled, heldTotal, receiptMade } from './budget.ts';
import { issueCond, issuePayment, issueVoucher } from './issuance.ts';
import { BOB, MALLORY, TERMS } from './sample.ts';
import { budget, cond, NOW, taken } from './sample-budget.ts';

describe('a payer signs', () => {
  const idOf = (terms: Omit<CondTerms, 'id'>) => `cond of ${terms.task}`;
  const task = { id: 't', executor: BOB, cap: 60n, notAfter: 800_000 };
  const receipt = {
    id: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    task: 't',
    lane: 1,
    price: 40n,
  };

  test('conditions and payments that its payee takes, on the lowest free lane', () => {
    let payer = budget;
    let payee = budget;
    for (const id of ['t', 'u', 'v']) {
      const issued = issueCond(payer, { ...task, id }, idOf, NOW);
      if (!issued.ok) throw new Error(issued.code);
      payee = taken(acceptCond(payee, issued.value.signed, NOW));
      payer = issued.value.budget;
      payee = receiptMade(payee, issued.value.signed.lane, 40n);
      const paid = issuePayment(payer, { ...receipt, task: id, lane: issued.value.signed.lane });
      if (!paid.ok) throw new Error(paid.code);
      payer = paid.value.budget;
      payee = taken(acceptVoucher(payee, { id: 'v', ...paid.value.signed }, NOW));
      expect(issued.value.signed.lane).toBe(1);
    }
    expect(payee).toEqual(payer);
    expect(heldTotal(payer)).toBe(120n);
  });

  test('never twice for one receipt, over the cap, backwards, or when a claim pays', () => {
    const issued = issueCond(budget, task, idOf, NOW);
    if (!issued.ok) throw new Error(issued.code);
    const payer = issued.value.budget;
    expect(issuePayment(payer, { ...receipt, price: 61n })).toMatchObject({
      code: 'price-above-cap',
    });
    expect(issuePayment(payer, { ...receipt, price: -1n })).toMatchObject({
      code: 'price-above-cap',
    });
    expect(issuePayment(payer, { ...receipt, price: 0n })).toMatchObject({ code: 'nothing-due' });
    expect(issuePayment(payer, { ...receipt, task: 'u' })).toMatchObject({ code: 'cond-unknown' });
    expect(issuePayment(claimFiled(payer, 1), receipt)).toMatchObject({ code: 'claim-filed' });
    const paid = issuePayment(payer, receipt);
    expect(paid.ok && issuePayment(paid.value.budget, receipt)).toMatchObject({
      code: 'cond-unknown',
    });
  });

  test('never beyond its fund, whatever is still open', () => {
    const issued = issueCond(budget, { ...task, cap: 900n }, idOf, NOW);
    if (!issued.ok) throw new Error(issued.code);
    const payer = issued.value.budget;
    expect(issueVoucher(payer, 101n, NOW)).toMatchObject({ code: 'fund-exceeded' });
    expect(issueVoucher(payer, 100n, NOW)).toMatchObject({ ok: true });
    expect(issueCond(payer, { ...task, cap: 101n }, idOf, NOW)).toMatchObject({
      code: 'fund-exceeded',
    });
    // Dead by its own clock, but the ledger's may be behind: a minute more.
    expect(issueVoucher(payer, 101n, 800_001 + TASK_SLACK_MS - 1)).toMatchObject({
      code: 'fund-exceeded',
    });
    expect(issueVoucher(payer, 101n, 800_001 + TASK_SLACK_MS)).toMatchObject({ ok: true });
  });

  test('nothing of nothing, nothing on a channel that ends, and says when lanes run out', () => {
    expect(issueVoucher(budget, 0n, NOW)).toMatchObject({ code: 'amount-invalid' });
    expect(issueVoucher({ ...budget, phase: 'closing' }, 1n, NOW)).toMatchObject({
      code: 'channel-not-active',
    });
    expect(issueCond({ ...budget, phase: 'closing' }, task, idOf, NOW)).toMatchObject({
      code: 'channel-not-active',
    });
    expect(issueCond(budget, { ...task, cap: 0n }, idOf, NOW)).toMatchObject({
      code: 'amount-invalid',
    });
    expect(issueCond(budget, task, idOf, TERMS.expiresAt - TERMS.windowMs)).toMatchObject({
      code: 'channel-expiring',
    });
    let payer = budget;
    for (let lane = 1; lane < 256; lane++) {
      const issued = issueCond(payer, { ...task, id: String(lane), cap: 1n }, idOf, NOW);
      if (!issued.ok) throw new Error(issued.code);
      expect(issued.value.signed.lane).toBe(lane);
      payer = issued.value.budget;
    }
    expect(issueCond(payer, task, idOf, NOW)).toMatchObject({ code: 'no-free-lane' });
  });
});

describe('a claim is made of a condition and its receipt', () => {
  const receipt = {
    task: 't',
    executor: BOB,
    ch: 'C',
    lane: '1',
    status: 'ok',
    output: 'o',
    output_len: '0',
    gas: '0',
    pages_peak: '0',
    price: '40',
    wall_ms: '0',
    started_at: '0',
    ended_at: '0',
  };
  test('at the price of the receipt, capped', () => {
    expect(claimFiling(TERMS, cond(), 'r', receipt)).toMatchObject({
      ok: true,
      value: { price: 40n, receipt: 'r' },
    });
    expect(claimFiling(TERMS, cond(), 'r', { ...receipt, price: '70' })).toMatchObject({
      value: { price: 60n },
    });
  });
  test.each([
    ['of another channel', cond(), { ...receipt, ch: 'D' }, 'channel-wrong'],
    ['for another channel', cond({ ch: 'D' }), receipt, 'channel-wrong'],
    ['of another lane', cond(), { ...receipt, lane: '2' }, 'lane-wrong'],
    ['of another task', cond(), { ...receipt, task: 'u' }, 'task-wrong'],
    ['of another executor', cond(), { ...receipt, executor: MALLORY }, 'executor-wrong'],
    ['for another executor', cond({ executor: MALLORY }), receipt, 'executor-wrong'],
    ['by the payer', cond({ dir: 'b' }), receipt, 'executor-wrong'],
  ])('never with a receipt %s', (_, offered, shown, expected) => {
    expect(claimFiling(TERMS, offered, 'r', shown)).toEqual({ ok: false, code: expected });
  });
});
