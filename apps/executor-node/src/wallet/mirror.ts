import {
  type Budget,
  type BudgetLane,
  type ChannelTerms,
  type Did,
  type Dir,
  heldTotal,
  MEMO_EMPTY,
  type OpenCond,
} from '@zerostate/shared';
import { type Statement, sql } from '../state/database.ts';

/**
 * What the ledger has paid on a lane, as it last said. `memo` commits to receipts of `memoCum` in
 * all: below `cum` after a voucher was paid in part, and the rest is proved from there.
 */
export type Redeemed = { cum: bigint; memo: string; memoCum: bigint };

/** One channel in which this node is paid: what it holds, and what of that is redeemed. */
export interface Mirror {
  readonly budget: Budget;
  readonly payer: Did;
  readonly redeemed: Readonly<Record<number, Redeemed>>;
  /** A cooperative close was agreed to: no new work on this channel. */
  readonly isClosing: boolean;
  /** This node's own side, as the ledger last said: put in, and promised to the other party. */
  readonly own: { readonly fund: bigint; readonly paid: bigint };
}

const NOTHING: Redeemed = { cum: 0n, memo: MEMO_EMPTY, memoCum: 0n };

export function redeemedLane(mirror: Mirror, lane: number): Redeemed {
  return mirror.redeemed[lane] ?? NOTHING;
}

/** Held and not redeemed, over all lanes, micro-units. */
export function unredeemed(mirror: Mirror): bigint {
  let sum = heldTotal(mirror.budget);
  for (const [lane, { cum }] of Object.entries(mirror.redeemed)) {
    // The ledger may know more than this node: then nothing is left to redeem there.
    const held = mirror.budget.lanes[Number(lane)]?.cum ?? 0n;
    sum -= cum < held ? cum : held;
  }
  return sum;
}

/** Why a cond that stood in the budget stands there no more. */
export type CondEnd = 'settled' | 'dropped' | 'dead';

/**
 * The statements that make the rows of a channel equal to `next`. `ended` is what became of a
 * cond that is gone; one that another takes the place of had died.
 */
export function budgetChanges(prev: Budget, next: Budget, ended: CondEnd): Statement[] {
  const ch = next.terms.id;
  const statements: Statement[] = [];
  for (const [key, lane] of Object.entries(next.lanes)) {
    const before = prev.lanes[Number(key)];
    if (before !== lane) statements.push(...laneChanges(ch, Number(key), before, lane, ended));
  }
  const { phase, closeAt, fund } = next;
  if (prev.phase !== phase || prev.closeAt !== closeAt || prev.fund !== fund) {
    statements.push(
      sql(
        'UPDATE channel SET state = ?, close_at = ?, fund = ? WHERE ch = ?',
        phase,
        closeAt,
        fund,
        ch,
      ),
    );
  }
  return statements;
}

function laneChanges(
  ch: string,
  lane: number,
  before: BudgetLane | undefined,
  after: BudgetLane,
  ended: CondEnd,
): Statement[] {
  const statements: Statement[] = [];
  if (before === undefined || before.cum !== after.cum || before.memo !== after.memo) {
    statements.push(
      sql(
        `INSERT INTO lane (ch, lane, held, memo) VALUES (?, ?, ?, ?)
         ON CONFLICT (ch, lane) DO UPDATE SET held = excluded.held, memo = excluded.memo
         WHERE excluded.held >= held`,
        ch,
        lane,
        after.cum,
        after.memo,
      ),
    );
  }
  const gone = before?.cond ?? null;
  if (gone !== null && gone.task !== after.cond?.task) {
    const state = after.cond === null ? ended : 'dead';
    statements.push(sql('UPDATE cond SET state = ? WHERE task = ?', state, gone.task));
  }
  if (after.cond !== null && after.cond.task !== gone?.task) {
    statements.push(insertCond(ch, lane, after.cond));
  }
  return statements;
}

function insertCond(ch: string, lane: number, cond: OpenCond): Statement {
  return sql(
    `INSERT INTO cond (task, id, ch, lane, base, cap, not_after, state)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'open')`,
    cond.task,
    cond.id,
    ch,
    lane,
    cond.base,
    cond.cap,
    cond.notAfter,
  );
}

/** A channel as it is before anything was paid in it. */
export function newMirror(
  terms: ChannelTerms,
  dir: Dir,
  payer: Did,
  fund: { a: bigint; b: bigint },
  phase: Budget['phase'],
): Mirror {
  const budget: Budget = { terms, dir, phase, closeAt: null, fund: fund[dir], lanes: {} };
  const own = { fund: fund[dir === 'a' ? 'b' : 'a'], paid: 0n };
  return { budget, payer, redeemed: {}, isClosing: false, own };
}

export function insertChannel(mirror: Mirror, open: unknown, now: number): Statement {
  const { terms, dir, fund, phase } = mirror.budget;
  return sql(
    `INSERT INTO channel (ch, open, dir, payer, fund, window_ms, expires_at, state, at, own_fund)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    terms.id,
    JSON.stringify(open),
    dir,
    mirror.payer,
    fund,
    terms.windowMs,
    terms.expiresAt,
    phase,
    now,
    mirror.own.fund,
  );
}
