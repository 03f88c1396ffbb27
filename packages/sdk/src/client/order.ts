import {
  digestSha256,
  encodeBase64url,
  INLINE_BYTES_MAX,
  TASK_SLACK_MS,
  type TaskManifest,
} from '@zerostate/shared';
import type { WaitOptions } from '../edge-client.ts';
import type { Reserved } from '../wallet/wallet.ts';
import type { Candidate } from './candidates.ts';
import { type ChannelTermsAsked, openChannel } from './channels.ts';
import { type CallerEdge, type ClientContext, type Failure, fail } from './context.ts';
import { type LimitsAsked, planTask } from './plan.ts';

/** What a caller wants run. */
export interface TaskOrder {
  input: Uint8Array;
  /** Arguments; the card's own where there are none. */
  args?: readonly string[] | undefined;
  limits?: LimitsAsked | undefined;
  /** The most it may cost, micro-units. */
  budget: bigint;
}

/** Time that a task may wait in its executor's queue before it is too late. */
const QUEUE_MS = 300_000;
/** A new channel carries this many tasks like the one it is opened for. */
const TASKS_PER_CHANNEL = 10n;

type Done<T> = { ok: true; value: T } | Failure;

/** The manifest of an order at a candidate's terms. */
export async function manifestFor(
  { signer, rng, clock }: ClientContext,
  { did, agent, params, program }: Candidate,
  order: TaskOrder,
): Promise<Done<TaskManifest>> {
  const { input, budget } = order;
  if (program.abi === 'call' && input.length > 0) {
    return fail('input-unexpected', 'a plain call takes arguments and no input');
  }
  const plan = planTask(params, { budget, inputBytes: input.length, asked: order.limits });
  if (!plan.ok) return plan;
  const { gasMax, pagesMax, wallMsMax, outputMax, priceMax } = plan.value;
  const notAfter = clock.now() + Number(wallMsMax) + TASK_SLACK_MS + QUEUE_MS;
  const manifest: TaskManifest = {
    nonce: encodeBase64url(rng.bytes(16)),
    creator: signer.did,
    executor: did,
    agent,
    module: program.module,
    abi: program.abi,
    fn: program.fn ?? '',
    args: [...(order.args ?? program.args ?? [])],
    input: await digestSha256(input),
    input_len: String(input.length),
    gas_max: String(gasMax),
    pages_max: String(pagesMax),
    wall_ms_max: String(wallMsMax),
    output_max: String(outputMax),
    price_base: params.price.base,
    price_per_mgas: params.price.per_mgas,
    price_per_page: params.price.per_page,
    price_max: String(priceMax),
    meter: params.meter,
    not_after: String(notAfter),
  };
  return { ok: true, value: manifest };
}

/** Wallet codes that a new channel cures. */
const CURED_BY_CHANNEL = [
  'channel-missing',
  'channel-expiring',
  'channel-closing',
  'channel-not-active',
  'wall-exceeds-window',
  'no-free-lane',
  'fund-exceeded',
];

/** One opening per executor at a time: tasks in parallel share the channel that comes of it. */
export type Openings = Map<string, Promise<Done<unknown>>>;

/** Signs the task on a lane of an open channel, opening one where none can carry it. */
export async function reserve(
  context: ClientContext,
  manifest: TaskManifest,
  order: TaskOrder,
  channel: { asked: ChannelTermsAsked; openings: Openings; signal?: AbortSignal | undefined },
): Promise<Done<Reserved>> {
  const { wallet } = context;
  const { asked, openings, signal } = channel;
  const first = await wallet.reserve({ manifest, budget: order.budget });
  if (first.ok || !CURED_BY_CHANNEL.includes(first.code)) return first;
  const peer = manifest.executor;
  const shared = openings.get(peer);
  if (shared !== undefined) {
    const opened = await shared;
    if (!opened.ok) return fail('channel-not-opened', 'another task was refused a channel');
    const second = await wallet.reserve({ manifest, budget: order.budget });
    if (second.ok || !CURED_BY_CHANNEL.includes(second.code)) return second;
  }
  const opening = openFor(context, manifest, { asked, signal });
  openings.set(peer, opening);
  try {
    const opened = await opening;
    if (!opened.ok) return opened;
  } finally {
    openings.delete(peer);
  }
  return wallet.reserve({ manifest, budget: order.budget });
}

async function openFor(
  context: ClientContext,
  manifest: TaskManifest,
  { asked, signal }: { asked: ChannelTermsAsked; signal?: AbortSignal | undefined },
): Promise<Done<unknown>> {
  const cap = BigInt(manifest.price_max);
  const { edge, signer } = context;
  if (asked.fund !== undefined) {
    if (asked.fund < cap) return fail('fund-too-small', `${asked.fund} < price_max ${cap}`);
    return openChannel(context, manifest.executor, asked.fund, asked, signal);
  }
  const account = await edge.account(signer.did, { signal });
  if (!account.ok) return account;
  const available = BigInt(account.value.available);
  if (available < cap) return fail('funds-insufficient', `${available} < price_max ${cap}`);
  const wanted = cap * TASKS_PER_CHANNEL;
  return openChannel(
    context,
    manifest.executor,
    wanted < available ? wanted : available,
    asked,
    signal,
  );
}

/** Hands a signed task with its input to the edge, and waits a moment for what becomes of it. */
export async function submit(
  { edge }: { edge: Pick<CallerEdge, 'putBlob' | 'submitTask'> },
  { manifest, cond }: Pick<Reserved, 'manifest' | 'cond'>,
  input: Uint8Array,
  options: WaitOptions = {},
) {
  const isInline = input.length <= INLINE_BYTES_MAX;
  if (!isInline) {
    const put = await edge.putBlob(input, { signal: options.signal });
    if (!put.ok) return put;
  }
  return edge.submitTask(
    isInline ? { manifest, cond, input: encodeBase64url(input) } : { manifest, cond },
    options,
  );
}
