/**
 * A payer a, a payee b, one channel between them and a ledger, all running the real lifecycle and
 * the real wallet rules. Either party may be dishonest: it then signs and sends whatever the
 * other could possibly be shown, at any moment. Time passes in ticks; messages may be lost or
 * late, which is also what a crash comes to for a wallet that persists before it answers.
 */
import { acceptTask, acceptVoucher, type ExecutorTerms } from '../acceptance.ts';
import type { CondTerms, TaskTerms } from '../bodies.ts';
import { condNotAfter } from '../bodies.ts';
import type { Budget } from '../budget.ts';
import type { ChannelEvent } from '../events.ts';
import { issueCond, issuePayment } from '../issuance.ts';
import { advanceChannel } from '../lifecycle.ts';
import { ALICE, accepting, BOB, opening, TERMS } from '../sample.ts';
import type { ChannelState, ChannelTerms } from '../state.ts';
import type { LedgerTransfer } from '../transfers.ts';

export const TICK_MS = 600_000;
export const PRICE = 1n;
export const CAP = 2n;

/** What one task has come to. */
export type TaskState = {
  /** The cond that counts: signed by an honest payer, or taken by an honest payee. */
  readonly cond: CondTerms | null;
  readonly acceptedAt: number | null;
  readonly wallTicks: number;
  /** Receipts that exist; both only from a payee that equivocates. */
  readonly good: boolean;
  readonly bad: boolean;
};

export type World = {
  readonly tick: number;
  readonly channel: ChannelState;
  /** What each has outside the channel. */
  readonly available: { readonly a: bigint; readonly b: bigint };
  readonly bonds: bigint;
  /** The honest parties' own books; null for a dishonest one. */
  readonly payer: Budget | null;
  readonly payee: Budget | null;
  /** When the payee last looked at the ledger. */
  readonly payeeSeen: number;
  readonly tasks: readonly TaskState[];
  /** Vouchers an honest payer has signed: `lane:cum`. */
  readonly signed: readonly string[];
  readonly toppedUp: boolean;
  /** What wrong verdicts cost each. */
  readonly wronged: { readonly a: bigint; readonly b: bigint };
};

/** The code under test; a mutant replaces a part of it. */
export type Rules = {
  advance: typeof advanceChannel;
  acceptTask: typeof acceptTask;
  acceptVoucher: typeof acceptVoucher;
  issueCond: typeof issueCond;
  issuePayment: typeof issuePayment;
};

export const RULES: Rules = {
  advance: advanceChannel,
  acceptTask,
  acceptVoucher,
  issueCond,
  issuePayment,
};

export type Setting = {
  dishonest: 'nobody' | 'payer' | 'payee';
  tasks: number;
  lanes: number;
  fund: bigint;
  windowTicks: number;
  expiryTicks: number;
  claimTicks: number;
  topup: boolean;
  wrongVerdicts: boolean;
  rules: Rules;
  /** Parts of honest behaviour that a mutant leaves out. */
  neglects: ReadonlySet<Neglect>;
};

export type Neglect =
  /** The payer is away while a wrong claim becomes due. */
  | 'dispute'
  /** The payee is away while the window passes. */
  | 'window'
  /** The payee takes work on a channel it has not looked at for a while. */
  | 'stale-view'
  /** The payee counts a top-up that it was only told of. */
  | 'unconfirmed-topup'
  /** The payee agrees to a close without reading what the ledger has paid on other lanes. */
  | 'unsynced-close'
  /** The payee answers before it persists, so that a crash loses its newest voucher. */
  | 'persistence';

export const SETTING: Setting = {
  dishonest: 'nobody',
  tasks: 2,
  lanes: 2,
  fund: 3n,
  windowTicks: 3,
  expiryTicks: 5,
  claimTicks: 1,
  topup: true,
  wrongVerdicts: false,
  rules: RULES,
  neglects: new Set(),
};

/** What both have outside when the channel has just become active. */
export const OUTSIDE = 10n;

export function startOf(setting: Setting): World {
  const terms: ChannelTerms = {
    ...TERMS,
    openBy: 1,
    expiresAt: setting.expiryTicks * TICK_MS,
    windowMs: setting.windowTicks * TICK_MS,
    claimMs: setting.claimTicks * TICK_MS,
  };
  const fund = { a: setting.fund, b: 0n };
  const offered = advanceChannel(null, { ...opening(fund), terms } as ChannelEvent, 0);
  const active = advanceChannel(offered.ok ? offered.value.next : null, accepting, 0);
  if (!active.ok) throw new Error(active.code);
  const budget: Budget = {
    terms,
    dir: 'a',
    phase: 'active',
    closeAt: null,
    fund: setting.fund,
    lanes: {},
  };
  const task: TaskState = { cond: null, acceptedAt: null, wallTicks: 1, good: false, bad: false };
  return {
    tick: 0,
    channel: active.value.next,
    available: { a: OUTSIDE, b: OUTSIDE },
    bonds: 0n,
    payer: setting.dishonest === 'payer' ? null : budget,
    payee: setting.dishonest === 'payee' ? null : budget,
    payeeSeen: 0,
    tasks: new Array<TaskState>(setting.tasks).fill(task),
    signed: [],
    toppedUp: false,
    wronged: { a: 0n, b: 0n },
  };
}

export function nowOf(world: World): number {
  return world.tick * TICK_MS;
}

/** The world after an event on the ledger, with its money moved; null when the ledger refuses. */
export function onLedger(world: World, event: ChannelEvent, rules: Rules): World | null {
  const step = rules.advance(world.channel, event, nowOf(world));
  return step.ok ? { ...moveMoney(world, step.value.effects), channel: step.value.next } : null;
}

function moveMoney(world: World, effects: readonly LedgerTransfer[]): World {
  let { a, b } = world.available;
  let { bonds } = world;
  for (const { debit, credit, amount } of effects) {
    if (debit === `avl:${ALICE}`) a -= amount;
    if (debit === `avl:${BOB}`) b -= amount;
    if (debit.startsWith('bnd:')) bonds -= amount;
    if (credit === `avl:${ALICE}`) a += amount;
    if (credit === `avl:${BOB}`) b += amount;
    if (credit.startsWith('bnd:')) bonds += amount;
  }
  return { ...world, available: { a, b }, bonds };
}

export function withTask(world: World, index: number, changes: Partial<TaskState>): World {
  const tasks = world.tasks.map((task, i) => (i === index ? { ...task, ...changes } : task));
  return { ...world, tasks };
}

/** The manifest of a task as both sides count with it. */
export function taskOf(index: number, wallTicks: number, notAfterTick: number): TaskTerms {
  return {
    id: `t${index}`,
    executor: BOB,
    price: { base: 0n, perMgas: 0n, perPage: 0n, max: CAP },
    meter: 'm',
    gasMax: 0n,
    pagesMax: 0n,
    wallMsMax: wallTicks * TICK_MS,
    inputLen: 0n,
    outputMax: 0n,
    notAfter: notAfterTick * TICK_MS,
  };
}

export function condFor(index: number, lane: number, base: bigint, task: TaskTerms): CondTerms {
  return {
    id: `k${index}`,
    ch: TERMS.id,
    dir: 'a',
    lane,
    base,
    cap: CAP,
    task: task.id,
    executor: BOB,
    notAfter: condNotAfter(task),
  };
}

/** A card that asks for nothing: only the rules about time, lanes and funds are at work here. */
export function executorTerms(channelSeenAt: number): ExecutorTerms {
  const limits = {
    gasMax: 0n,
    pagesMax: 0n,
    wallMsMax: Number.MAX_SAFE_INTEGER,
    inputMax: 0n,
    outputMax: 0n,
  };
  const price = { base: 0n, perMgas: 0n, perPage: 0n };
  return { meter: 'm', price, limits, gasPerMs: 0n, queueMs: 0, channelSeenAt };
}

/** Two worlds with the same key have the same future: terms, memos and names are left out. */
export function keyOf(world: World): string {
  const { channel, available, bonds, tasks, signed, wronged } = world;
  const lanes = Object.entries(channel.lanes.a).map(([lane, { cum }]) => `${lane}=${cum}`);
  const claims = Object.values(channel.claims).map(
    ({ id, lane, base, price, phase, at, bond }) =>
      `${id}@${lane},${base},${price},${phase},${at / TICK_MS},${bond}`,
  );
  const done = tasks.map(({ cond, acceptedAt, wallTicks, good, bad }) => {
    const terms = cond === null ? '' : `${cond.lane},${cond.base},${cond.notAfter / TICK_MS}`;
    return `${terms},${acceptedAt ?? ''},${wallTicks},${Number(good)}${Number(bad)}`;
  });
  const closeAt = channel.closeAt === null ? '' : channel.closeAt / TICK_MS;
  // When the payee looked matters only while it can still be offered work.
  const offerable = channel.phase !== 'closed' && tasks.some(({ cond }) => cond === null);
  const seen = offerable ? world.payeeSeen : 0;
  return [
    `${world.tick}${channel.phase}${closeAt},${channel.fund.a},${channel.escrow.a}`,
    `${available.a},${available.b},${bonds},${seen},${wronged.a},${wronged.b}`,
    lanes,
    claims.sort(),
    done.join(';'),
    signed,
    keyOfBudget(world.payer),
    keyOfBudget(world.payee),
    world.toppedUp ? 'topped up' : '',
  ].join('|');
}

function keyOfBudget(budget: Budget | null): string {
  if (budget === null) return '';
  const lanes = Object.entries(budget.lanes).map(([lane, { cum, cond }]) => {
    const open = cond === null ? '' : `${cond.id},${cond.base},${cond.price},${cond.claimed}`;
    return `${lane}=${cum},${open}`;
  });
  return `${budget.phase},${budget.closeAt ?? ''},${budget.fund};${lanes.join(';')}`;
}
