import { AMOUNT_MAX, WINDOW_MS_MAX, WINDOW_MS_MIN } from '../limits.ts';
import type { ChannelEvent } from './events.ts';
import { type ChannelState, type ChannelTerms, dirOf, type PerDir, withDir } from './state.ts';
import { moveTo, refuse, refuseOutside, type Step } from './step.ts';
import { holdFund, refundEscrow } from './transfers.ts';

type Event<T extends ChannelEvent['type']> = Extract<ChannelEvent, { type: T }>;

/** The opener's fund is held; the channel waits for the other signature until open_by. */
export function open(event: Event<'open'>, now: number): Step {
  const { terms, fund, by, available } = event;
  const fault = termsFault(terms, fund);
  if (fault !== null) return refuse('terms-invalid', fault);
  if (dirOf(terms, by) !== terms.openedBy) return refuse('party-wrong');
  if (now >= terms.openBy) return refuse('open-by-passed');
  const own = fund[terms.openedBy];
  if (available < own) return refuse('funds-insufficient');
  const next: ChannelState = {
    terms,
    phase: 'opening',
    fund,
    escrow: withDir({ a: 0n, b: 0n }, terms.openedBy, own),
    lanes: { a: {}, b: {} },
    claims: {},
    nonces: [],
    closeAt: null,
    final: null,
  };
  return moveTo(next, holdFund(terms, terms.openedBy, own));
}

/** The field that the ledger's schema would refuse, or null. */
function termsFault(terms: ChannelTerms, fund: PerDir<bigint>): string | null {
  if (terms.a >= terms.b) return 'b';
  if (fund.a < 0n || fund.a > AMOUNT_MAX) return 'fund_a';
  if (fund.b < 0n || fund.b > AMOUNT_MAX) return 'fund_b';
  if (!Number.isSafeInteger(terms.openBy)) return 'open_by';
  if (!Number.isSafeInteger(terms.expiresAt) || terms.expiresAt <= terms.openBy) {
    return 'expires_at';
  }
  if (!isPeriod(terms.windowMs)) return 'window_ms';
  if (!isPeriod(terms.claimMs)) return 'claim_ms';
  return null;
}

function isPeriod(ms: number): boolean {
  return Number.isSafeInteger(ms) && ms >= WINDOW_MS_MIN && ms <= WINDOW_MS_MAX;
}

/** The second signature over the same bytes: the second fund is held, the channel is active. */
export function accept(state: ChannelState, event: Event<'accept'>, now: number): Step {
  const outside = refuseOutside(state, 'opening');
  if (outside !== null) return outside;
  const { terms } = state;
  const dir = dirOf(terms, event.by);
  if (dir === null || dir === terms.openedBy) return refuse('party-wrong');
  if (now >= terms.openBy) return refuse('open-by-passed');
  const own = state.fund[dir];
  if (event.available < own) return refuse('funds-insufficient');
  const escrow = withDir(state.escrow, dir, own);
  return moveTo({ ...state, phase: 'active', escrow }, holdFund(terms, dir, own));
}

/** The opener takes its offer back, or anyone clears it away after open_by. */
export function cancel(state: ChannelState, event: Event<'cancel'>, now: number): Step {
  const outside = refuseOutside(state, 'opening');
  if (outside !== null) return outside;
  const { terms } = state;
  if (now < terms.openBy && dirOf(terms, event.by) !== terms.openedBy) {
    return refuse('open-by-pending');
  }
  const effects = refundEscrow(terms, terms.openedBy, state.escrow[terms.openedBy]);
  return moveTo({ ...state, phase: 'closed', escrow: { a: 0n, b: 0n } }, effects);
}
