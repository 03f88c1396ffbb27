import type { ChannelEvent } from './events.ts';
import {
  type ChannelState,
  type ClaimState,
  dirOf,
  isLiveClaim,
  type PerDir,
  redeemedTotal,
} from './state.ts';
import { moveTo, refuse, refuseOutside, type Step } from './step.ts';
import { type LedgerTransfer, payFinal, refundEscrow, releaseBond } from './transfers.ts';

type Event<T extends ChannelEvent['type']> = Extract<ChannelEvent, { type: T }>;

/** Either party starts the window in which the other can still redeem and claim. */
export function close1(state: ChannelState, event: Event<'close1'>, now: number): Step {
  const outside = refuseOutside(state, 'active');
  if (outside !== null) return outside;
  if (dirOf(state.terms, event.by) === null) return refuse('party-wrong');
  return startClosing(state, now);
}

/** The clock starts the window when the channel's life is over. */
export function expire(state: ChannelState, now: number): Step {
  const outside = refuseOutside(state, 'active');
  if (outside !== null) return outside;
  if (now < state.terms.expiresAt) return refuse('expiry-pending');
  return startClosing(state, now);
}

function startClosing(state: ChannelState, now: number): Step {
  return moveTo({ ...state, phase: 'closing', closeAt: now + state.terms.windowMs });
}

/** Both agree on the totals: no window, and what was still claimed is part of the agreement. */
export function coopClose(state: ChannelState, event: Event<'coopClose'>, now: number): Step {
  const outside = refuseOutside(state, 'active', 'closing');
  if (outside !== null) return outside;
  const { terms } = state;
  if (!event.by.includes(terms.a) || !event.by.includes(terms.b)) {
    return refuse('close-signature-missing');
  }
  if (now > event.notAfter) return refuse('close-not-after-passed');
  for (const dir of ['a', 'b'] as const) {
    if (event.cum[dir] < redeemedTotal(state, dir) || event.cum[dir] > state.fund[dir]) {
      return refuse('close-total-invalid', `cum_${dir}`);
    }
  }
  const settled = voidLiveClaims(state);
  return pay(settled.next, event.cum, settled.effects);
}

function voidLiveClaims(state: ChannelState): { next: ChannelState; effects: LedgerTransfer[] } {
  const claims: Record<string, ClaimState> = { ...state.claims };
  const effects: LedgerTransfer[] = [];
  for (const claim of Object.values(state.claims)) {
    if (!isLiveClaim(claim)) continue;
    claims[claim.id] = { ...claim, phase: 'voided', verdict: 'coop', bond: 0n };
    effects.push(...releaseBond(state.terms, claim, 'creator'));
  }
  return { next: { ...state, claims }, effects };
}

/** After the window, with nothing left to decide, the rest returns to the payers. */
export function finalize(state: ChannelState, now: number): Step {
  const outside = refuseOutside(state, 'closing');
  if (outside !== null) return outside;
  if (state.closeAt === null || now < state.closeAt) return refuse('close-window-pending');
  if (Object.values(state.claims).some(isLiveClaim)) return refuse('claims-live');
  return pay(state, null, []);
}

function pay(state: ChannelState, final: PerDir<bigint> | null, before: LedgerTransfer[]): Step {
  const effects = [...before];
  for (const dir of ['a', 'b'] as const) {
    const due = final === null ? 0n : final[dir] - redeemedTotal(state, dir);
    effects.push(...payFinal(state.terms, dir, due));
    effects.push(...refundEscrow(state.terms, dir, state.escrow[dir] - due));
  }
  const next: ChannelState = { ...state, phase: 'closed', escrow: { a: 0n, b: 0n }, final };
  return moveTo(next, effects);
}
