/** A budget, conditions and vouchers for the tests of the wallet rules. */
import type { CondTerms, VoucherTerms } from './bodies.ts';
import type { Budget } from './budget.ts';
import { BOB, TERMS } from './sample.ts';

export const NOW = 10_000;
export const budget: Budget = {
  terms: TERMS,
  dir: 'a',
  phase: 'active',
  closeAt: null,
  fund: 1000n,
  lanes: {},
};

export const cond = (changes: Partial<CondTerms> = {}): CondTerms => ({
  id: 'k',
  ch: 'C',
  dir: 'a',
  lane: 1,
  base: 0n,
  cap: 60n,
  task: 't',
  executor: BOB,
  notAfter: 800_000,
  ...changes,
});
export const voucher = (cum: bigint, changes: Partial<VoucherTerms> = {}): VoucherTerms => ({
  id: 'v',
  ch: 'C',
  dir: 'a',
  lane: 0,
  cum,
  memo: 'm',
  ...changes,
});

export type Outcome = { ok: true; value: Budget } | { ok: false; code: string };

export function taken(outcome: Outcome): Budget {
  if (!outcome.ok) throw new Error(outcome.code);
  return outcome.value;
}

export function outcome(outcome: Outcome): string {
  return outcome.ok ? 'taken' : outcome.code;
}
