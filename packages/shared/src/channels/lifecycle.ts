/**
 * The payment channel of money.md 4 as a pure function. The ledger and both wallets run it; the
 * schema of the ledger repeats its guards as constraints.
 */
import { assertNever } from '../result.ts';
import {
  disputeDeadline,
  disputeOpen,
  disputeVerdict,
  equivocation,
  fileClaim,
  postClaim,
} from './claims.ts';
import { close1, coopClose, expire, finalize } from './closing.ts';
import type { ChannelEvent } from './events.ts';
import { accept, cancel, open } from './opening.ts';
import { redeemVoucher, roll, topup } from './payments.ts';
import type { ChannelState } from './state.ts';
import { refuse, type Step } from './step.ts';

/**
 * The state after an event and the transfers it causes, or why it is refused; a refusal changes
 * nothing. `state` is null before `open`, `now` the ledger's clock in ms.
 */
export function advanceChannel(state: ChannelState | null, event: ChannelEvent, now: number): Step {
  if (event.type === 'open') return state === null ? open(event, now) : refuse('channel-exists');
  if (state === null) return refuse('channel-unknown');
  switch (event.type) {
    case 'accept':
      return accept(state, event, now);
    case 'cancel':
      return cancel(state, event, now);
    case 'redeem':
      return redeemVoucher(state, event, now);
    case 'topup':
      return topup(state, event);
    case 'roll':
      return roll(state, event);
    case 'claim':
      return fileClaim(state, event, now);
    case 'claim.post':
      return postClaim(state, event, now);
    case 'claim.equivocation':
      return equivocation(state, event);
    case 'dispute.open':
      return disputeOpen(state, event, now);
    case 'dispute.verdict':
      return disputeVerdict(state, event);
    case 'dispute.deadline':
      return disputeDeadline(state, event, now);
    case 'close1':
      return close1(state, event, now);
    case 'expire':
      return expire(state, now);
    case 'coopClose':
      return coopClose(state, event, now);
    case 'finalize':
      return finalize(state, now);
    default:
      return assertNever(event);
  }
}
