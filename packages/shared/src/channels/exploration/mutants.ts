/** The code under test with one thing wrong: what the search must be able to find. */
import type { Budget } from '../budget.ts';
import { advanceChannel } from '../lifecycle.ts';
import { type ChannelState, laneCum } from '../state.ts';
import { type Neglect, RULES, type Rules, SETTING, type Setting, TICK_MS } from './world.ts';

export type Mutant = {
  name: string;
  setting: Setting;
  /** Too many states for every test run. */
  soakOnly: boolean;
};

/** One lane, two tasks in a row: enough for most mistakes. */
const SMALL: Partial<Setting> = {
  tasks: 2,
  lanes: 1,
  topup: false,
  windowTicks: 2,
  expiryTicks: 3,
};
const TWO_LANES: Partial<Setting> = { ...SMALL, lanes: 2 };

const advance = (
  change: (...args: Parameters<Rules['advance']>) => ReturnType<Rules['advance']>,
) => ({
  rules: { ...RULES, advance: change },
});
const accepting = (change: (budget: Budget) => Budget): Partial<Setting> => ({
  rules: {
    ...RULES,
    acceptTask: (budget, offer, own, now) => RULES.acceptTask(change(budget), offer, own, now),
    acceptVoucher: (budget, voucher, now) => RULES.acceptVoucher(change(budget), voucher, now),
  },
});
const neglecting = (neglect: Neglect): Partial<Setting> => ({ neglects: new Set([neglect]) });

function mutant(
  name: string,
  dishonest: Setting['dishonest'],
  size: Partial<Setting>,
  fault: Partial<Setting>,
  soakOnly = false,
): Mutant {
  return { name, setting: { ...SETTING, ...size, ...fault, dishonest }, soakOnly };
}

export const MUTANTS: readonly Mutant[] = [
  mutant('closing has no window', 'payer', SMALL, advance(withoutWindow)),
  mutant('a claim adds its price to the lane', 'payee', SMALL, advance(addingClaims)),
  mutant('a claim posts although it is disputed', 'payee', SMALL, advance(postingDisputed)),
  mutant(
    'a voucher eats what is claimed on another lane',
    'payer',
    { ...TWO_LANES, tasks: 1 },
    advance(eatingClaims),
  ),
  mutant('a payee takes any base', 'payer', SMALL, {
    rules: { ...RULES, acceptTask: takingAnyBase },
  }),
  mutant(
    'a payee takes a task on a lane that is not settled',
    'payer',
    SMALL,
    accepting(withoutConds),
  ),
  mutant(
    'a payee forgets the sum over its lanes',
    'payer',
    { ...TWO_LANES, fund: 1n },
    accepting(withoutBound),
  ),
  mutant('a payee takes a task that outlives the window', 'payer', SMALL, {
    rules: { ...RULES, acceptTask: takingLongTasks },
  }),
  mutant(
    'a payee works on a channel it last saw long ago',
    'payer',
    { ...SMALL, tasks: 1, expiryTicks: 4 },
    neglecting('stale-view'),
  ),
  mutant(
    'a payee counts a top-up it was only told of',
    'payer',
    { ...TWO_LANES, topup: true, fund: 1n },
    neglecting('unconfirmed-topup'),
  ),
  mutant('a payee answers before it persists', 'nobody', SMALL, neglecting('persistence')),
  mutant('a payee is away for the window', 'payer', SMALL, neglecting('window')),
  mutant('a payer is away while a wrong claim is pending', 'payee', SMALL, neglecting('dispute')),
  mutant('a voucher over the escrow pays nothing', 'payer', TWO_LANES, advance(withoutPartial)),
  mutant(
    'a payee agrees to a close without the ledger',
    'payer',
    TWO_LANES,
    neglecting('unsynced-close'),
    true,
  ),
];

function withoutWindow(
  ...[state, event, now]: Parameters<Rules['advance']>
): ReturnType<Rules['advance']> {
  const step = advanceChannel(state, event, now);
  if (!step.ok || event.type !== 'close1') return step;
  return { ok: true, value: { ...step.value, next: { ...step.value.next, closeAt: now } } };
}

function addingClaims(
  ...[state, event, now]: Parameters<Rules['advance']>
): ReturnType<Rules['advance']> {
  if (state === null || event.type !== 'claim.post') return advanceChannel(state, event, now);
  const claim = state.claims[event.claim];
  if (claim === undefined) return advanceChannel(state, event, now);
  const base = laneCum(state, claim.dir, claim.lane);
  const claims = { ...state.claims, [claim.id]: { ...claim, base } };
  return advanceChannel({ ...state, claims }, event, now);
}

function postingDisputed(
  ...[state, event, now]: Parameters<Rules['advance']>
): ReturnType<Rules['advance']> {
  if (state === null || event.type !== 'claim.post') return advanceChannel(state, event, now);
  const claim = state.claims[event.claim];
  if (claim?.phase !== 'disputed') return advanceChannel(state, event, now);
  const claims = { ...state.claims, [claim.id]: { ...claim, phase: 'pending' as const } };
  return advanceChannel({ ...state, claims }, event, now);
}

function eatingClaims(
  ...[state, event, now]: Parameters<Rules['advance']>
): ReturnType<Rules['advance']> {
  if (state === null || event.type !== 'redeem') return advanceChannel(state, event, now);
  const step = advanceChannel({ ...state, claims: {} }, event, now);
  if (!step.ok) return step;
  const next: ChannelState = { ...step.value.next, claims: state.claims };
  return { ok: true, value: { ...step.value, next } };
}

function withoutPartial(
  ...[state, event, now]: Parameters<Rules['advance']>
): ReturnType<Rules['advance']> {
  const whole =
    event.type === 'redeem' || event.type === 'claim' ? { ...event, partial: false } : event;
  return advanceChannel(state, whole, now);
}

function takingAnyBase(
  ...[budget, offer, own, now]: Parameters<Rules['acceptTask']>
): ReturnType<Rules['acceptTask']> {
  const { lane } = offer.cond;
  const held = budget.lanes[lane];
  if (held === undefined || held.cond !== null) return RULES.acceptTask(budget, offer, own, now);
  const blank = { ...budget, lanes: { ...budget.lanes, [lane]: { ...held, cum: 0n } } };
  const accepted = RULES.acceptTask(blank, offer, own, now);
  if (!accepted.ok) return accepted;
  const taken = accepted.value.budget.lanes[lane];
  if (taken === undefined) return accepted;
  const lanes = { ...accepted.value.budget.lanes, [lane]: { ...taken, cum: held.cum } };
  const after = { ...accepted.value.budget, lanes };
  return { ok: true, value: { ...accepted.value, budget: after } };
}

function takingLongTasks(
  ...[budget, offer, own, now]: Parameters<Rules['acceptTask']>
): ReturnType<Rules['acceptTask']> {
  const short = { ...offer.task, wallMsMax: Math.min(TICK_MS, offer.task.wallMsMax) };
  return RULES.acceptTask(budget, { ...offer, task: short }, own, now);
}

function withoutConds(budget: Budget): Budget {
  const lanes = Object.entries(budget.lanes).map(([lane, held]) => [lane, { ...held, cond: null }]);
  return { ...budget, lanes: Object.fromEntries(lanes) };
}

function withoutBound(budget: Budget): Budget {
  return { ...budget, fund: 1_000n };
}
