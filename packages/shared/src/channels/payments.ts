import { AMOUNT_MAX, LANES } from '../limits.ts';
import { MEMO_EMPTY } from '../tasks/memo.ts';
import type { ChannelEvent, RedeemEvent, RollEvent } from './events.ts';
import {
  type ChannelState,
  claimedTotal,
  dirOf,
  type LaneState,
  laneCum,
  withDir,
} from './state.ts';
import { moveTo, refuse, refuseOutside, type Step } from './step.ts';
import { addFund, type LedgerTransfer, payLane } from './transfers.ts';

type Event<T extends ChannelEvent['type']> = Extract<ChannelEvent, { type: T }>;

/**
 * Pays what a voucher adds to its lane. Anyone may hand it in: the money goes to the payee. A
 * total that was paid already is refused as stale in every phase, so that repetition is harmless.
 */
export function redeemVoucher(state: ChannelState, event: RedeemEvent, now: number): Step {
  const { dir, lane, cum, via } = event;
  if (!Number.isInteger(lane) || lane < 0 || lane >= LANES) return refuse('lane-invalid');
  if (cum <= 0n || cum > AMOUNT_MAX) return refuse('amount-invalid');
  if (cum <= laneCum(state, dir, lane)) return refuse('redeem-stale');
  const outside = refuseOutside(state, 'active', 'closing');
  if (outside !== null) return outside;
  if (state.closeAt !== null && now >= state.closeAt) return refuse('redeem-window-passed');
  const most = mostPayable(state, dir, lane);
  if (cum <= most) return moveTo(...raiseLane(state, dir, lane, { cum, via, memo: event.memo }));
  const before = state.lanes[dir][lane];
  if (event.partial !== true || most <= (before?.cum ?? 0n)) return refuse('escrow-insufficient');
  // The memo stays: it commits to receipts that this does not pay in full.
  const memo = before?.memo ?? MEMO_EMPTY;
  return moveTo(...raiseLane(state, dir, lane, { cum: most, via, memo }));
}

/**
 * The total that a lane can rise to: the escrow without what is claimed on other lanes. A claim on
 * this lane is no obstacle, because the rise pays part of it.
 */
function mostPayable(state: ChannelState, dir: 'a' | 'b', lane: number): bigint {
  const others = Object.values(state.claims).filter((claim) => claim.lane !== lane);
  const claims = Object.fromEntries(others.map((claim) => [claim.id, claim]));
  const elsewhere = claimedTotal({ ...state, claims }, dir);
  return laneCum(state, dir, lane) + state.escrow[dir] - elsewhere;
}

/** A lane at a higher total, the difference out of escrow. The caller has checked both. */
export function raiseLane(
  state: ChannelState,
  dir: 'a' | 'b',
  lane: number,
  to: LaneState,
): [next: ChannelState, effects: LedgerTransfer[]] {
  const amount = to.cum - laneCum(state, dir, lane);
  const next = {
    ...state,
    escrow: withDir(state.escrow, dir, state.escrow[dir] - amount),
    lanes: withDir(state.lanes, dir, { ...state.lanes[dir], [lane]: to }),
  };
  return [next, payLane(state.terms, { dir, lane, cum: to.cum, via: to.via }, amount)];
}

/** A payer adds to its own direction. */
export function topup(state: ChannelState, event: Event<'topup'>): Step {
  const id = `topup:${state.terms.id}:${event.dir}:${event.nonce}`;
  return raiseFund(state, event, { code: 'topup', id });
}

/** As `topup`, with money that its owner has just redeemed on another channel. */
export function roll(state: ChannelState, event: RollEvent): Step {
  const id = `roll:${event.from.ch}:${event.from.dir}:${event.nonce}`;
  return raiseFund(state, event, { code: 'roll', id });
}

function raiseFund(
  state: ChannelState,
  event: Event<'topup'> | RollEvent,
  source: { code: 'topup' | 'roll'; id: string },
): Step {
  // Not while closing: what arrives in the window could not be used any more.
  const outside = refuseOutside(state, 'active');
  if (outside !== null) return outside;
  const { dir, amount } = event;
  if (dirOf(state.terms, event.by) !== dir) return refuse('party-wrong');
  if (amount <= 0n || state.fund[dir] + amount > AMOUNT_MAX) return refuse('amount-invalid');
  if (state.nonces.includes(source.id)) return refuse('nonce-used');
  if (event.available < amount) return refuse('funds-insufficient');
  const next: ChannelState = {
    ...state,
    fund: withDir(state.fund, dir, state.fund[dir] + amount),
    escrow: withDir(state.escrow, dir, state.escrow[dir] + amount),
    nonces: [...state.nonces, source.id],
  };
  return moveTo(next, addFund(state.terms, dir, amount, source));
}
