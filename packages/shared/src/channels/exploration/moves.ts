/** Everything that can happen next in a world (see `world.ts`). */

import { MEMO_EMPTY } from '../../tasks/memo.ts';
import {
  type Budget,
  budgetLane,
  claimEnded,
  claimFiled,
  laneSynced,
  receiptMade,
  withLane,
} from '../budget.ts';
import type { ChannelEvent } from '../events.ts';
import { acceptCoopClose } from '../policy.ts';
import { ALICE, BOB } from '../sample.ts';
import { isLiveClaim, laneCum } from '../state.ts';
import { claims, disputes, fileClaim } from './claim-moves.ts';
import {
  CAP,
  condFor,
  executorTerms,
  nowOf,
  onLedger,
  PRICE,
  type Setting,
  TICK_MS,
  taskOf,
  type World,
  withTask,
} from './world.ts';

export type Move = readonly [label: string, next: World];

export function* movesOf(world: World, setting: Setting): Generator<Move> {
  yield* offers(world, setting);
  yield* running(world);
  yield* payments(world, setting);
  yield* claims(world, setting);
  yield* disputes(world, setting);
  yield* looks(world, setting);
  yield* endings(world, setting);
  if (mayTimePass(world, setting)) yield ['tick', { ...world, tick: world.tick + 1 }];
}

function* lanesOf(setting: Setting): Generator<number> {
  for (let lane = 1; lane <= setting.lanes; lane++) yield lane;
}

/** A payer offers a task with its cond; an honest payee takes it by its rules or not at all. */
function* offers(world: World, setting: Setting): Generator<Move> {
  const index = world.tasks.findIndex(({ cond }) => cond === null);
  if (index < 0) return;
  const { tick, payer } = world;
  if (payer !== null) {
    const task = taskOf(index, 1, tick + 2);
    const asked = { id: task.id, executor: BOB, cap: CAP, notAfter: task.notAfter + TICK_MS };
    const issued = setting.rules.issueCond(payer, asked, () => `k${index}`, nowOf(world));
    if (!issued.ok) return;
    const { budget, signed } = issued.value;
    const offered = { ...withTask(world, index, { cond: signed }), payer: budget };
    // Lost on its way, or refused: the payer has signed all the same.
    yield [`offer ${task.id} lost`, offered];
    const taken = takeTask(offered, index, task, signed, setting);
    if (taken !== null) yield [`offer ${task.id}`, taken];
    return;
  }
  for (const lane of lanesOf(setting)) {
    for (let base = 0n; base <= setting.fund; base++) {
      for (const [wall, until] of [
        [1, 2],
        [1, 0],
        [setting.windowTicks, 2 * setting.windowTicks],
      ] as const) {
        const task = taskOf(index, wall, tick + until);
        const cond = condFor(index, lane, base, task);
        const taken = takeTask(world, index, task, cond, setting);
        if (taken !== null)
          yield [`offer ${task.id} lane ${lane} base ${base} wall ${wall}`, taken];
      }
    }
  }
}

function takeTask(
  world: World,
  index: number,
  task: ReturnType<typeof taskOf>,
  cond: ReturnType<typeof condFor>,
  setting: Setting,
): World | null {
  if (world.payee === null) return null;
  const seen = setting.neglects.has('stale-view') ? nowOf(world) : world.payeeSeen * TICK_MS;
  const accepted = setting.rules.acceptTask(
    world.payee,
    { task, cond },
    executorTerms(seen),
    nowOf(world),
  );
  if (!accepted.ok) return null;
  const wallTicks = task.wallMsMax / TICK_MS;
  const changed = withTask(world, index, { cond, acceptedAt: world.tick, wallTicks });
  return { ...changed, payee: accepted.value.budget };
}

/** A run ends with a receipt; a dishonest payee signs any receipt for any cond it was given. */
function* running(world: World): Generator<Move> {
  for (const [i, task] of world.tasks.entries()) {
    if (task.cond === null) continue;
    if (world.payee === null) {
      if (!task.good) yield [`good receipt t${i}`, withTask(world, i, { good: true })];
      if (!task.bad) yield [`bad receipt t${i}`, withTask(world, i, { bad: true })];
    } else if (task.acceptedAt !== null && !task.good) {
      const payee = receiptMade(world.payee, task.cond.lane, PRICE);
      yield [`receipt t${i}`, { ...withTask(world, i, { good: true }), payee }];
    }
  }
}

/** Vouchers: signed for a good receipt, delivered or lost, redeemed by whoever has them. */
function* payments(world: World, setting: Setting): Generator<Move> {
  const { payer, payee } = world;
  if (payer !== null) {
    for (const [i, { cond, good }] of world.tasks.entries()) {
      if (cond === null || !good) continue;
      const due = { id: 'A'.repeat(43), task: cond.task, lane: cond.lane, price: PRICE };
      const issued = setting.rules.issuePayment(payer, due);
      if (!issued.ok) continue;
      const { lane, cum } = issued.value.signed;
      const voucher = `${lane}:${cum}`;
      if (world.signed.includes(voucher)) continue;
      const signed = [...world.signed, voucher];
      yield [`pay t${i}`, { ...world, payer: withoutMemos(issued.value.budget), signed }];
    }
  }
  for (const [lane, cum] of vouchersOf(world, setting)) {
    const redeem: ChannelEvent = {
      type: 'redeem',
      dir: 'a',
      lane,
      cum,
      memo: MEMO_EMPTY,
      via: 'v',
      partial: true,
    };
    if (payee === null || payer === null) {
      const redeemed = onLedger(world, redeem, setting.rules);
      if (redeemed !== null) yield [`redeem ${lane}:${cum}`, redeemed];
    }
    if (payee === null) continue;
    const voucher = { id: 'v', ch: payee.terms.id, dir: 'a' as const, lane, cum, memo: MEMO_EMPTY };
    const taken = setting.rules.acceptVoucher(payee, voucher, nowOf(world));
    if (taken.ok) yield [`voucher ${lane}:${cum}`, { ...world, payee: taken.value }];
  }
  if (payee === null) return;
  for (const lane of lanesOf(setting)) {
    const { cum } = budgetLane(payee, lane);
    const redeem: ChannelEvent = {
      type: 'redeem',
      dir: 'a',
      lane,
      cum,
      memo: MEMO_EMPTY,
      via: 'v',
      partial: true,
    };
    const redeemed = onLedger(world, redeem, setting.rules);
    if (redeemed !== null) yield [`redeem held ${lane}:${cum}`, redeemed];
    if (setting.neglects.has('persistence') && cum > laneCum(world.channel, 'a', lane)) {
      const forgotten = { cum: laneCum(world.channel, 'a', lane), memo: MEMO_EMPTY, cond: null };
      yield [`crash forgets ${lane}`, { ...world, payee: withLane(payee, lane, forgotten) }];
    }
  }
}

/** What can be shown to the payee or the ledger: signed by an honest payer, or anything. */
function* vouchersOf(world: World, setting: Setting): Generator<[lane: number, cum: bigint]> {
  if (world.payer !== null) {
    for (const text of world.signed) {
      const [lane = '', cum = ''] = text.split(':');
      yield [Number(lane), BigInt(cum)];
    }
    return;
  }
  for (const lane of lanesOf(setting)) {
    // One over the fund: over-signing has to be refused too.
    for (let cum = 1n; cum <= setting.fund + 2n; cum++) yield [lane, cum];
  }
}

/** A wallet reads the ledger: phase, fund, claims and lanes. */
function* looks(world: World, setting: Setting): Generator<Move> {
  const { payer, payee, channel } = world;
  if (payer !== null) yield ['payer looks', { ...world, payer: followed(payer, world) }];
  if (payee === null) return;
  yield ['payee looks', { ...world, payee: followed(payee, world), payeeSeen: world.tick }];
  if (setting.neglects.has('unconfirmed-topup') && !world.toppedUp) {
    yield ['payee hears of a top-up', { ...world, payee: { ...payee, fund: channel.fund.a + 3n } }];
  }
}

function followed(budget: Budget, world: World): Budget {
  const { phase, closeAt, fund, lanes, claims } = world.channel;
  let next: Budget = { ...budget, phase, closeAt, fund: fund.a };
  for (const claim of Object.values(claims)) {
    if (budgetLane(next, claim.lane).cond?.task !== claim.task) continue;
    if (isLiveClaim(claim)) next = claimFiled(next, claim.lane);
    else next = claimEnded(next, claim.lane, claim.phase === 'posted' ? claim.price : null);
  }
  for (const [lane, { cum }] of Object.entries(lanes.a)) {
    next = laneSynced(next, Number(lane), cum, MEMO_EMPTY);
  }
  return withoutMemos(next);
}

/** Memos say nothing about money; without them equal books are equal states. */
function withoutMemos(budget: Budget): Budget {
  let next = budget;
  for (const [lane, held] of Object.entries(budget.lanes)) {
    next = withLane(next, Number(lane), { ...held, memo: MEMO_EMPTY });
  }
  return next;
}

/** Top-up, the three ways to close, and the sweep. */
function* endings(world: World, setting: Setting): Generator<Move> {
  const { rules } = setting;
  const by = ALICE;
  const available = world.available.a;
  if (setting.topup && !world.toppedUp) {
    const more = onLedger(
      world,
      { type: 'topup', dir: 'a', amount: 1n, nonce: 'n', by, available },
      rules,
    );
    if (more !== null) yield ['top up', { ...more, toppedUp: true }];
  }
  for (const event of [{ type: 'close1', by }, { type: 'expire' }, { type: 'finalize' }] as const) {
    const next = onLedger(world, event, rules);
    if (next !== null) yield [event.type, next];
  }
  for (let cum = 0n; cum <= world.channel.fund.a; cum++) {
    const close = { cum: { a: cum, b: 0n }, notAfter: nowOf(world) };
    if (!signsClose(world, close, setting)) continue;
    const next = onLedger(world, { type: 'coopClose', ...close, by: [ALICE, BOB] }, rules);
    if (next !== null) yield [`close together at ${cum}`, next];
  }
}

type Close = Parameters<typeof acceptCoopClose>[1];

/** Both read the ledger before they agree: what it paid on any lane is part of the totals. */
function signsClose(world: World, close: Close, setting: Setting): boolean {
  const unsynced = setting.neglects.has('unsynced-close');
  const book = (budget: Budget | null) =>
    budget === null || unsynced ? budget : followed(budget, world);
  const [payer, payee] = [book(world.payer), book(world.payee)];
  const empty = (budget: Budget): Budget => ({ ...budget, dir: 'b', fund: 0n, lanes: {} });
  if (payee !== null) {
    const budgets = { incoming: payee, outgoing: empty(payee) };
    if (!acceptCoopClose(budgets, close, nowOf(world)).ok) return false;
  }
  if (payer === null) return true;
  const budgets = { incoming: empty(payer), outgoing: payer };
  return acceptCoopClose(budgets, close, nowOf(world)).ok;
}

/** Time waits for the honest: what they must do before the next tick and still can, is done. */
function mayTimePass(world: World, setting: Setting): boolean {
  const next = nowOf(world) + TICK_MS;
  const { closeAt, terms, phase } = world.channel;
  if (phase === 'closed') return false;
  if (world.tick > setting.expiryTicks + setting.windowTicks + setting.claimTicks) return false;
  // The sweep runs every minute.
  if (phase === 'active' && next > terms.expiresAt) return false;
  if (
    closeAt !== null &&
    nowOf(world) >= closeAt &&
    world.tick > setting.expiryTicks + setting.windowTicks
  ) {
    const due = Object.values(world.channel.claims).filter(isLiveClaim);
    if (due.length === 0) return false;
  }
  return payerIsDone(world, setting, next) && payeeIsDone(world, setting, next);
}

function payerIsDone(world: World, setting: Setting, next: number): boolean {
  if (world.payer === null || setting.neglects.has('dispute')) return true;
  return !Object.values(world.channel.claims).some(
    ({ phase, receipt, postAt }) =>
      phase === 'pending' && receipt.startsWith('bad') && postAt <= next,
  );
}

function payeeIsDone(world: World, setting: Setting, next: number): boolean {
  const { payee } = world;
  if (payee === null) return true;
  for (const { acceptedAt, wallTicks, good } of world.tasks) {
    if (acceptedAt !== null && !good && world.tick >= acceptedAt + wallTicks) return false;
  }
  if (setting.neglects.has('window')) return true;
  const closing = world.channel.closeAt !== null && next >= world.channel.closeAt;
  for (const [i, { cond, good }] of world.tasks.entries()) {
    if (cond === null || !good || !(closing || next > cond.notAfter)) continue;
    if (fileClaim(world, i, 'good', setting) !== null) return false;
  }
  if (!closing) return true;
  for (const lane of lanesOf(setting)) {
    const { cum } = budgetLane(payee, lane);
    const redeem: ChannelEvent = {
      type: 'redeem',
      dir: 'a',
      lane,
      cum,
      memo: MEMO_EMPTY,
      via: 'v',
      partial: true,
    };
    if (onLedger(world, redeem, setting.rules) !== null) return false;
  }
  return true;
}
