import {
  type Budget,
  encodeBase64url,
  heldTotal,
  idOf,
  isDead,
  openTerms,
  type PaychClose,
  type PaychOpen,
  sealEnvelope,
  TASK_SLACK_MS,
} from '@zerostate/shared';
import { followed } from './follow.ts';
import type { WalletChange, WalletChannel } from './model.ts';
import { refuse } from './refusal.ts';
import type { Wallet, WalletContext } from './wallet.ts';

/** Terms of a channel in which this wallet pays `peer`. Amounts in micro-units, times in ms. */
export interface ChannelProposal {
  peer: string;
  fund: bigint;
  /** What the peer is asked to put in; nothing by default. */
  fundPeer?: bigint | undefined;
  openBy: number;
  expiresAt: number;
  windowMs: number;
  claimMs: number;
  asset: string;
}

/** Opening, following and closing channels. */
export function createFunding(
  context: WalletContext,
): Pick<Wallet, 'openChannel' | 'syncChannel' | 'dropChannel' | 'closeChannel'> {
  const { signer, network, transactions, clock } = context;
  return {
    async openChannel(proposal) {
      if (proposal.peer === signer.did) return refuse('terms-invalid', 'peer');
      if (proposal.fund <= 0n) return refuse('amount-invalid', 'fund');
      const channel = await sealChannel(context, proposal);
      return transactions.run((state) =>
        state.channels.has(channel.ch)
          ? refuse('channel-exists')
          : { ok: true, value: { changes: [{ kind: 'channel', channel }], value: channel } },
      );
    },

    syncChannel: (answer) =>
      transactions.run((state) => {
        const channel = state.channels.get(answer.ch);
        if (channel === undefined) return refuse('channel-unknown', answer.ch);
        const { budget, changes } = followed(state, channel, answer);
        return { ok: true, value: { changes, value: { ...channel, budget } } };
      }),

    dropChannel: (ch) =>
      transactions.run((state) => {
        const channel = state.channels.get(ch);
        if (channel === undefined) return refuse('channel-unknown', ch);
        const budget: Budget = { ...channel.budget, phase: 'closed' };
        const dropped = { ...channel, budget };
        return {
          ok: true,
          value: { changes: [{ kind: 'channel', channel: dropped }], value: dropped },
        };
      }),

    closeChannel: (ch, terms) =>
      transactions.run(async (state) => {
        const channel = state.channels.get(ch);
        if (channel === undefined) return refuse('channel-unknown', ch);
        const { budget } = channel;
        if (budget.phase !== 'active' && budget.phase !== 'closing') {
          return refuse('channel-not-active', budget.phase);
        }
        if (hasLiveCond(channel, clock.now())) return refuse('conds-open');
        const own = String(heldTotal(budget));
        const peer = String(terms.cumPeer);
        const body: PaychClose = {
          ch,
          cum_a: budget.dir === 'a' ? own : peer,
          cum_b: budget.dir === 'b' ? own : peer,
          not_after: String(terms.notAfter),
        };
        const close = await sealEnvelope(network, 'paych.close', body, signer);
        const changes: WalletChange[] = [{ kind: 'channel', channel: { ...channel, close } }];
        return { ok: true, value: { changes, value: close } };
      }),
  };
}

async function sealChannel(
  { signer, network, clock, rng }: WalletContext,
  proposal: ChannelProposal,
): Promise<WalletChannel> {
  const dir = signer.did < proposal.peer ? 'a' : 'b';
  const own = String(proposal.fund);
  const peer = String(proposal.fundPeer ?? 0n);
  const body: PaychOpen = {
    a: dir === 'a' ? signer.did : proposal.peer,
    b: dir === 'b' ? signer.did : proposal.peer,
    fund_a: dir === 'a' ? own : peer,
    fund_b: dir === 'b' ? own : peer,
    nonce: encodeBase64url(rng.bytes(16)),
    open_by: String(proposal.openBy),
    expires_at: String(proposal.expiresAt),
    window_ms: String(proposal.windowMs),
    claim_ms: String(proposal.claimMs),
    asset: proposal.asset,
  };
  const ch = idOf(network, 'paych.open', body);
  const open = await sealEnvelope(network, 'paych.open', body, signer);
  const { terms } = openTerms(ch, body, dir);
  const budget: Budget = {
    terms,
    dir,
    phase: 'opening',
    closeAt: null,
    fund: proposal.fund,
    lanes: {},
  };
  return { ch, peer: proposal.peer, budget, open, close: null, at: clock.now() };
}

/** A task of this channel may still come to be due: the peer would not sign, rightly. */
function hasLiveCond({ budget }: WalletChannel, now: number): boolean {
  const then = now - TASK_SLACK_MS;
  return Object.values(budget.lanes).some(({ cond }) => cond !== null && !isDead(cond, then));
}
