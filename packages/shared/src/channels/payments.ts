import { AMOUNT_MAX, LANES } from '../limits.ts';
import type { ChannelEvent, RollEvent } from './events.ts';
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
export function redeemVoucher(state: ChannelState, event: Event<'redeem'>, now: number): Step {
  const { dir, lane, cum } = event;
  if (!Number.isInteger(lane) || lane < 0 || lane >= LANES) return refuse('lane-invalid');
  if (cum <= 0n || cum > AMOUNT_MAX) return refuse('amount-invalid');
  if (cum <= laneCum(state, dir, lane)) return refuse('redeem-stale');
  const outside = refuseOutside(state, 'active', 'closing');
  if (outside !== null) return outside;
  if (state.closeAt !== null && now >= state.closeAt) return refuse('redeem-window-passed');
  if (cum - laneCum(state, dir, lane) > state.escrow[dir]) return refuse('escrow-insufficient');
  const raised = raiseLane(state, dir, lane, { cum, via: event.via, memo: event.memo });
  // Checked after the rise: a voucher on a claimed lane pays part of that claim.
  if (raised.next.escrow[dir] < claimedTotal(raised.next, dir))
    return refuse('escrow-insufficient');
  return moveTo(raised.next, raised.effects);
}

/** A lane at a higher total, the difference out of escrow. The caller has checked both. */
export function raiseLane(
  state: ChannelState,
  dir: 'a' | 'b',
  lane: number,
  to: LaneState,
): { next: ChannelState; effects: LedgerTransfer[] } {
  const amount = to.cum - laneCum(state, dir, lane);
  const next = {
    ...state,
    escrow: withDir(state.escrow, dir, state.escrow[dir] - amount),
    lanes: withDir(state.lanes, dir, { ...state.lanes[dir], [lane]: to }),
  };
  return { next, effects: payLane(state.terms, { dir, lane, cum: to.cum, via: to.via }, amount) };
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
