import {
  type ChannelAnswer,
  encodeBase64url,
  type PaychCancel,
  type PaychClose1,
  sealEnvelope,
  WAIT_MS_MAX,
} from '@zerostate/shared';
import type { EdgeResult } from '../http/outcome.ts';
import type { WalletChannel } from '../wallet/model.ts';
import { type ClientContext, type Failure, fail, isRefusal, isUnknown } from './context.ts';

/** Terms of a new channel. Amounts in micro-units, times in ms. */
export interface ChannelTermsAsked {
  /** What the caller puts in; ten times the task that needs it by default. */
  fund?: bigint | undefined;
  lifetimeMs?: number | undefined;
  windowMs?: number | undefined;
  claimMs?: number | undefined;
}

/** A day and a night of work, an hour to settle: short enough that no money is stuck for long. */
const LIFETIME_MS = 24 * 3_600_000;
const WINDOW_MS = 3_600_000;
const CLAIM_MS = 3_600_000;
/** How long the executor has to co-sign before the money is taken back. */
const ACCEPT_MS = 20_000;
/** How long a signed proposal of a cooperative close stays open. */
const CLOSE_MS = 600_000;

type Done<T> = { ok: true; value: T } | Failure;

/** Proposes a channel and waits until the executor has co-signed it. */
export async function openChannel(
  context: ClientContext,
  peer: string,
  fund: bigint,
  asked: ChannelTermsAsked = {},
  signal?: AbortSignal,
): Promise<Done<WalletChannel>> {
  const { edge, wallet, clock, network, signer } = context;
  const account = await edge.account(signer.did, { signal });
  if (!account.ok) return account;
  if (BigInt(account.value.available) < fund) {
    return fail('funds-insufficient', `${account.value.available} < ${fund}`);
  }
  const now = clock.now();
  const proposed = await wallet.openChannel({
    peer,
    fund,
    openBy: now + 5 * ACCEPT_MS,
    expiresAt: now + (asked.lifetimeMs ?? LIFETIME_MS),
    windowMs: asked.windowMs ?? WINDOW_MS,
    claimMs: asked.claimMs ?? CLAIM_MS,
    asset: network.genesis.asset,
  });
  if (!proposed.ok) return proposed;
  const { ch, open } = proposed.value;
  const opened = await edge.openChannel(open, { idempotencyKey: ch, signal });
  if (!opened.ok) {
    // The ledger said no: there is nothing to take back. Otherwise the next start looks.
    if (isRefusal(opened)) await wallet.dropChannel(ch);
    return opened;
  }
  const active = await waitFor(context, opened.value, 'active', ACCEPT_MS, signal);
  if (!active.ok) return active;
  if (active.value.state === 'active') return wallet.syncChannel(active.value);
  await cancelChannel(context, ch);
  return fail('channel-not-accepted', `${peer} did not co-sign within ${ACCEPT_MS / 1000} s`);
}

/** The channel once it is in this state or closed, or as it is when the time is over. */
async function waitFor(
  { edge, clock }: ClientContext,
  channel: ChannelAnswer,
  state: ChannelAnswer['state'],
  forMs: number,
  signal?: AbortSignal,
): Promise<EdgeResult<ChannelAnswer>> {
  const until = clock.now() + forMs;
  let latest = channel;
  for (;;) {
    if (latest.state === state || latest.state === 'closed') return { ok: true, value: latest };
    const leftMs = until - clock.now();
    if (leftMs < 1_000) return { ok: true, value: latest };
    const waitMs = Math.min(leftMs, WAIT_MS_MAX);
    const next = await edge.channel(latest.ch, { waitMs, version: latest.version, signal });
    if (!next.ok) return next;
    latest = next.value;
  }
}

/** The opener takes back a channel that nobody co-signed. */
export async function cancelChannel(
  context: ClientContext,
  ch: string,
): Promise<Done<WalletChannel>> {
  const { edge, wallet, signer, network, rng } = context;
  const body: PaychCancel = { ch, nonce: encodeBase64url(rng.bytes(16)) };
  const cancel = await sealEnvelope(network.network, 'paych.cancel', body, signer);
  const cancelled = await edge.cancelChannel(ch, cancel);
  if (cancelled.ok) return wallet.syncChannel(cancelled.value);
  // The executor may have co-signed at the last moment: then the channel is simply open.
  return refreshChannel(context, ch);
}

/** What the ledger says about a channel of this wallet now. */
export async function refreshChannel(
  { edge, wallet, clock }: ClientContext,
  ch: string,
): Promise<Done<WalletChannel>> {
  const answer = await edge.channel(ch);
  if (answer.ok) return wallet.syncChannel(answer.value);
  const known = await wallet.channel(ch);
  if (known === null || !isUnknown(answer)) return answer;
  // It never reached the ledger; past open_by it never will.
  return clock.now() > known.budget.terms.openBy ? wallet.dropChannel(ch) : answer;
}

export interface CloseOptions {
  /** Start the window alone, without asking the executor. */
  unilateral?: boolean | undefined;
  signal?: AbortSignal | undefined;
  /** How long the executor has to co-sign, ms. */
  waitMs?: number | undefined;
}

/**
 * Closes a channel: by both signatures at once, or alone by waiting out its window. The answer
 * says how far it came: `closed`, `closing` until `close_at`, or `active` while a cooperative
 * close waits for the executor.
 */
export async function closeChannel(
  context: ClientContext,
  ch: string,
  options: CloseOptions = {},
): Promise<EdgeResult<ChannelAnswer> | Failure> {
  const { edge, wallet, clock } = context;
  const { signal } = options;
  const current = await edge.channel(ch, { signal });
  if (!current.ok) return current;
  const { state, close_at: closeAt } = current.value;
  const known = await wallet.channel(ch);
  if (known !== null) await wallet.syncChannel(current.value);
  if (state === 'closed') return current;
  if (state === 'opening') {
    const cancelled = await cancelChannel(context, ch);
    return cancelled.ok ? edge.channel(ch, { signal }) : cancelled;
  }
  if (closeAt !== null && clock.now() >= closeAt) return synced(context, await edge.finalize(ch));
  if (options.unilateral === true) {
    return state === 'closing' ? current : startWindow(context, ch);
  }
  // A wallet without the channel does not know what it signed there: it does not name totals.
  if (known === null) return fail('channel-unknown', `${ch}: close it with unilateral`);
  const close = await wallet.closeChannel(ch, {
    cumPeer: redeemedByPeer(known, current.value),
    notAfter: clock.now() + CLOSE_MS,
  });
  if (!close.ok) return close;
  const proposed = await edge.close(ch, close.value, { signal });
  if (!proposed.ok) return proposed;
  const waitMs = options.waitMs ?? ACCEPT_MS;
  return synced(context, await waitFor(context, proposed.value, 'closed', waitMs, signal));
}

/** What this side was paid in the channel: all of it redeemed, as the ledger shows. */
function redeemedByPeer({ budget }: WalletChannel, { lanes }: ChannelAnswer): bigint {
  let sum = 0n;
  for (const { dir, cum } of lanes) if (dir !== budget.dir) sum += BigInt(cum);
  return sum;
}

async function startWindow(
  context: ClientContext,
  ch: string,
): Promise<EdgeResult<ChannelAnswer> | Failure> {
  const { edge, signer, network, rng } = context;
  const body: PaychClose1 = { ch, nonce: encodeBase64url(rng.bytes(16)) };
  const close1 = await sealEnvelope(network.network, 'paych.close1', body, signer);
  return synced(context, await edge.close1(ch, close1));
}

async function synced(
  { wallet }: ClientContext,
  answer: EdgeResult<ChannelAnswer>,
): Promise<EdgeResult<ChannelAnswer>> {
  if (answer.ok) await wallet.syncChannel(answer.value);
  return answer;
}
