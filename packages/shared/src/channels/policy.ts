/** What a node signs for others (money.md 3): channels that are offered, closes that are proposed. */
import { NODE_WINDOW_MS_MIN } from '../limits.ts';
import type { Dir } from '../messages/fields.ts';
import { err, ok, type Result } from '../result.ts';
import { type Budget, heldTotal, isDead } from './budget.ts';
import { type ChannelTerms, dirOf, type PerDir } from './state.ts';

export type ProposalCode =
  | 'party-wrong'
  | 'fund-asked'
  | 'fund-too-small'
  | 'window-too-short'
  | 'lifetime-too-short'
  | 'open-by-passed';

export type ProposalPolicy = {
  /** This node. */
  did: string;
  /** The most the node puts into a channel itself; nothing by default. */
  ownFundMax: bigint;
  windowMsMin: number;
  /** The base price of its cheapest card. */
  payerFundMin: bigint;
};

export const DEFAULT_POLICY = { ownFundMax: 0n, windowMsMin: NODE_WINDOW_MS_MIN } as const;

/** Whether a node co-signs a proposed channel. */
export function acceptProposal(
  proposal: { terms: ChannelTerms; fund: PerDir<bigint> },
  policy: ProposalPolicy,
  now: number,
): Result<void, ProposalCode> {
  const { terms, fund } = proposal;
  const own = dirOf(terms, policy.did);
  if (own === null || own === terms.openedBy) return err('party-wrong');
  if (fund[own] > policy.ownFundMax) return err('fund-asked');
  if (fund[terms.openedBy] < policy.payerFundMin) return err('fund-too-small');
  if (terms.windowMs < policy.windowMsMin) return err('window-too-short');
  if (terms.expiresAt - now <= terms.windowMs) return err('lifetime-too-short');
  return now < terms.openBy ? ok(undefined) : err('open-by-passed');
}

export type CoopCloseCode = 'cond-open' | 'total-too-low' | 'total-too-high' | 'close-expired';

/**
 * Whether a party signs a cooperative close. As payee it wants at least what it holds and no work
 * that is still unpaid, as payer at most what it signed. Both budgets must have been brought up to
 * the ledger (`laneSynced` for each of its lanes): the totals count what was paid on every lane.
 */
export function acceptCoopClose(
  budgets: { incoming: Budget; outgoing: Budget },
  close: { cum: PerDir<bigint>; notAfter: number },
  now: number,
): Result<void, CoopCloseCode> {
  if (now > close.notAfter) return err('close-expired');
  for (const budget of [budgets.incoming, budgets.outgoing]) {
    const lanes = Object.values(budget.lanes);
    if (lanes.some(({ cond }) => cond !== null && !isDead(cond, now))) return err('cond-open');
  }
  if (totalOf(close, budgets.incoming.dir) < heldTotal(budgets.incoming)) {
    return err('total-too-low');
  }
  if (totalOf(close, budgets.outgoing.dir) > heldTotal(budgets.outgoing)) {
    return err('total-too-high');
  }
  return ok(undefined);
}

function totalOf(close: { cum: PerDir<bigint> }, dir: Dir): bigint {
  return close.cum[dir];
}
