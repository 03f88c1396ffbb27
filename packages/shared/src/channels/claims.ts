import { AMOUNT_MAX, LANES } from '../limits.ts';
import { ok, type Result } from '../result.ts';
import type { ChannelCode } from './errors.ts';
import type { ChannelEvent, ClaimEvent, ClaimFiling, VerdictEvent } from './events.ts';
import { raiseLane } from './payments.ts';
import {
  type ChannelState,
  type ClaimState,
  claimedTotal,
  DISPUTE_MS_MAX,
  isLiveClaim,
  laneCum,
  payeeOf,
  payerOf,
} from './state.ts';
import { moveTo, refuse, refuseOutside, type Step } from './step.ts';
import { holdBond, type LedgerTransfer, releaseBond } from './transfers.ts';

type Event<T extends ChannelEvent['type']> = Extract<ChannelEvent, { type: T }>;

/** The payee files a cond with its receipt. It posts after claim_ms unless it is disputed. */
export function fileClaim(state: ChannelState, event: ClaimEvent, now: number): Step {
  const { filing } = event;
  const fault = filingFault(state, event, now);
  if (fault !== null) return refuse(fault);
  const price = coveredPrice(state, filing);
  if (price < filing.price && event.partial !== true) return refuse('escrow-insufficient');
  const paid = laneCum(state, filing.dir, filing.lane);
  if (price < 0n || filing.base + price <= paid) return refuse('escrow-insufficient');
  const pending: ClaimState = {
    ...filing,
    price,
    at: now,
    postAt: now + state.terms.claimMs,
    phase: 'pending',
    verdict: null,
    bond: 0n,
  };
  // An objection that cannot put down its bond changes nothing: the claim stays pending.
  const disputed = event.objected && event.available >= price;
  const claim: ClaimState = disputed ? { ...pending, phase: 'disputed', bond: price } : pending;
  return moveTo(withClaim(state, claim), disputed ? holdBond(state.terms, claim, claim.bond) : []);
}

/** The price, lowered to what the escrow covers beside the live claims; it may be negative. */
function coveredPrice(state: ChannelState, { dir, lane, base, price }: ClaimFiling): bigint {
  const free = state.escrow[dir] - claimedTotal(state, dir);
  const most = laneCum(state, dir, lane) + free - base;
  return price <= most ? price : most;
}

function filingFault(state: ChannelState, event: ClaimEvent, now: number): ChannelCode | null {
  const { filing, elsewhere } = event;
  const outside = refuseOutside(state, 'active', 'closing');
  if (outside !== null) return outside.code;
  if (event.by !== payeeOf(state.terms, filing.dir)) return 'party-wrong';
  if (!Number.isInteger(filing.lane) || filing.lane < 1 || filing.lane >= LANES) {
    return 'lane-invalid';
  }
  const numbers = numbersFault(filing);
  if (numbers !== null) return numbers;
  const claims = Object.values(state.claims);
  if (claims.some((claim) => claim.id === filing.id)) return 'claim-exists';
  if (elsewhere.task || claims.some((claim) => claim.task === filing.task)) return 'task-claimed';
  if (elsewhere.receipt || claims.some((claim) => claim.receipt === filing.receipt)) {
    return 'receipt-claimed';
  }
  if (filing.base + filing.price <= laneCum(state, filing.dir, filing.lane)) {
    return 'claim-pays-nothing';
  }
  const sameLane = (claim: ClaimState) => claim.dir === filing.dir && claim.lane === filing.lane;
  if (claims.some((claim) => sameLane(claim) && isLiveClaim(claim))) return 'claim-lane-busy';
  if (now > filing.notAfter) return 'claim-too-late';
  if (state.closeAt !== null && now >= state.closeAt) return 'claim-too-late';
  return null;
}

function numbersFault({ base, cap, price }: ClaimFiling): ChannelCode | null {
  if (base < 0n || base > AMOUNT_MAX || cap > AMOUNT_MAX) return 'amount-invalid';
  if (cap <= 0n || price < 0n || price > cap) return 'claim-price-invalid';
  return base + price > AMOUNT_MAX ? 'amount-invalid' : null;
}

/** Anyone posts a claim that nobody disputed in time. */
export function postClaim(state: ChannelState, event: Event<'claim.post'>, now: number): Step {
  const found = findClaim(state, event.claim);
  if (!found.ok) return found;
  if (found.value.phase !== 'pending') return refuse('claim-not-pending');
  if (now < found.value.postAt) return refuse('claim-not-due');
  return settle(state, { ...found.value, phase: 'posted' });
}

/** Two different receipts of the executor for one task void its claim. */
export function equivocation(state: ChannelState, event: Event<'claim.equivocation'>): Step {
  const found = findClaim(state, event.claim);
  if (!found.ok) return found;
  const claim = found.value;
  if (!isLiveClaim(claim)) return refuse('claim-final');
  if (event.otherReceipt === claim.receipt) return refuse('receipts-equal');
  const verdict = `equivocation:${claim.receipt}:${event.otherReceipt}`;
  const effects = releaseBond(state.terms, claim, 'creator');
  return moveTo(withClaim(state, { ...claim, phase: 'voided', verdict, bond: 0n }), effects);
}

/** The creator objects and puts down the price as its bond. */
export function disputeOpen(state: ChannelState, event: Event<'dispute.open'>, now: number): Step {
  const found = findClaim(state, event.claim);
  if (!found.ok) return found;
  const claim = found.value;
  if (event.by !== payerOf(state.terms, claim.dir)) return refuse('party-wrong');
  if (claim.phase !== 'pending') return refuse('claim-not-pending');
  if (now >= claim.postAt) return refuse('dispute-too-late');
  if (event.available < claim.price) return refuse('funds-insufficient');
  const next = withClaim(state, { ...claim, phase: 'disputed', bond: claim.price });
  return moveTo(next, holdBond(state.terms, claim, claim.price));
}

/**
 * Enough arbiters decide. The bond is the executor's only when the claim stands in full; a
 * lowered price means that the objection was right.
 */
export function disputeVerdict(state: ChannelState, event: VerdictEvent): Step {
  const found = findClaim(state, event.claim);
  if (!found.ok) return found;
  const claim = found.value;
  if (claim.phase !== 'disputed') return refuse('claim-not-disputed');
  const { court } = event;
  const judges = new Set(event.signers.filter((did) => court.arbiters.includes(did)));
  if (court.quorum < 1 || judges.size < court.quorum) return refuse('verdict-quorum');
  if (event.verdict === 'voided') {
    const effects = releaseBond(state.terms, claim, 'creator');
    const voided: ClaimState = { ...claim, phase: 'voided', verdict: event.id, bond: 0n };
    return moveTo(withClaim(state, voided), effects);
  }
  if (event.price < 0n) return refuse('amount-invalid');
  if (event.price > claim.price) return refuse('verdict-price-raised');
  const bondTo = event.price === claim.price ? 'executor' : 'creator';
  const effects = releaseBond(state.terms, claim, bondTo);
  const posted: ClaimState = { ...claim, phase: 'posted', verdict: event.id, bond: 0n };
  return settle(state, { ...posted, price: event.price }, effects);
}

/** The arbiters were silent: the receipt stands, and the bond returns. */
export function disputeDeadline(
  state: ChannelState,
  event: Event<'dispute.deadline'>,
  now: number,
): Step {
  const found = findClaim(state, event.claim);
  if (!found.ok) return found;
  const claim = found.value;
  if (claim.phase !== 'disputed') return refuse('claim-not-disputed');
  if (now < claim.postAt + DISPUTE_MS_MAX) return refuse('dispute-not-due');
  const effects = releaseBond(state.terms, claim, 'creator');
  const posted: ClaimState = { ...claim, phase: 'posted', verdict: 'deadline', bond: 0n };
  return settle(state, posted, effects);
}

/**
 * A posted claim raises its lane to base + price, as of its filing: the closing window does not
 * matter any more. A voucher that paid as much before leaves the lane alone (max, never a sum).
 */
function settle(state: ChannelState, claim: ClaimState, effects: LedgerTransfer[] = []): Step {
  const posted = withClaim(state, claim);
  const cum = claim.base + claim.price;
  if (cum <= laneCum(state, claim.dir, claim.lane)) return moveTo(posted, effects);
  const lane = { cum, via: claim.id, memo: claim.id };
  const [next, payment] = raiseLane(posted, claim.dir, claim.lane, lane);
  return moveTo(next, [...payment, ...effects]);
}

function findClaim(state: ChannelState, id: string): Result<ClaimState, ChannelCode> {
  const outside = refuseOutside(state, 'active', 'closing');
  if (outside !== null) return outside;
  const claim = Object.hasOwn(state.claims, id) ? state.claims[id] : undefined;
  return claim === undefined ? refuse('claim-unknown') : ok(claim);
}

export function withClaim(state: ChannelState, claim: ClaimState): ChannelState {
  return { ...state, claims: { ...state.claims, [claim.id]: claim } };
}
