import { type Err, err, ok, type Result } from '../result.ts';
import type { ChannelCode } from './errors.ts';
import type { ChannelPhase, ChannelState } from './state.ts';
import type { LedgerTransfer } from './transfers.ts';

/** What an event leads to: the next state with its transfers, or a refusal. */
export type Step = Result<{ next: ChannelState; effects: LedgerTransfer[] }, ChannelCode>;

export function moveTo(next: ChannelState, effects: LedgerTransfer[] = []): Step {
  return ok({ next, effects });
}

export function refuse(code: ChannelCode, detail?: string): Err<ChannelCode> {
  return err(code, detail);
}

const PHASE_CODES: { [phase in ChannelPhase]: ChannelCode } = {
  opening: 'channel-opening',
  active: 'channel-active',
  closing: 'channel-closing',
  closed: 'channel-closed',
};

/** The refusal of an event that this phase does not take; null if it does. */
export function refuseOutside(
  state: ChannelState,
  ...phases: readonly ChannelPhase[]
): Err<ChannelCode> | null {
  return phases.includes(state.phase) ? null : refuse(PHASE_CODES[state.phase]);
}
