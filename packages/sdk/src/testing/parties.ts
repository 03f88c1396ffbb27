/** Parties, orders and receipts for tests. */
import {
  type ChannelAnswer,
  createSigner,
  encodeBase64url,
  idOf,
  type OpenedEnvelope,
  type Signer,
  sealEnvelope,
  sha256,
  sha256Base64url,
  type TaskManifest,
  type TaskReceipt,
  utf8,
} from '@zerostate/shared';
import type { Clock, Rng } from '../ports.ts';
import type { WalletChannel, WalletTask } from '../wallet/model.ts';

export const NETWORK = 'zs-aaaaaaaaaaaaaaaa';
export const METER = `zsm1-${'A'.repeat(43)}`;
export const START = 1_800_000_000_000;
export const HOUR = 3_600_000;

export function signerOf(name: string): Promise<Signer> {
  return createSigner(sha256(utf8(name)));
}

/** A clock that stands until it is moved. */
export function handClock(now = START): Clock & { advance(ms: number): void } {
  return {
    now: () => now,
    advance: (ms) => {
      now += ms;
    },
  };
}

/** The same bytes for the same seed, never twice the same. */
export function countingRng(seed: string): Rng {
  let count = 0;
  return {
    bytes(length) {
      const stream: number[] = [];
      while (stream.length < length) stream.push(...sha256(utf8(`${seed} ${count++}`)));
      return Uint8Array.from(stream.slice(0, length));
    },
  };
}

export function manifestOf(
  creator: string,
  executor: string,
  rng: Rng,
  changes: Partial<TaskManifest> = {},
): TaskManifest {
  return {
    nonce: encodeBase64url(rng.bytes(16)),
    creator,
    executor,
    agent: 'digest',
    module: sha256Base64url(utf8('module')),
    abi: 'wasi',
    fn: '',
    args: [],
    input: sha256Base64url(utf8('input')),
    input_len: '5',
    gas_max: '1000000',
    pages_max: '16',
    wall_ms_max: '10000',
    output_max: '65536',
    price_base: '100',
    price_per_mgas: '0',
    price_per_page: '1',
    price_max: '1000',
    meter: METER,
    not_after: String(START + 5 * 60_000),
    ...changes,
  };
}

/** A receipt of a task that used `pages` pages: its price is 100 + pages at the terms above. */
export async function receiptOf(
  task: { task: string; ch: string; lane: number },
  executor: Signer,
  changes: Partial<TaskReceipt> = {},
): Promise<OpenedEnvelope<TaskReceipt>> {
  const body: TaskReceipt = {
    task: task.task,
    executor: executor.did,
    ch: task.ch,
    lane: String(task.lane),
    status: 'ok',
    output: sha256Base64url(utf8('output')),
    output_len: '6',
    gas: '1000',
    pages_peak: '2',
    price: '102',
    wall_ms: '3',
    started_at: String(START),
    ended_at: String(START + 3),
    ...changes,
  };
  const envelope = await sealEnvelope(NETWORK, 'task.receipt', body, executor);
  return { id: idOf(NETWORK, 'task.receipt', body), envelope, body };
}

/** What a ledger would answer about a channel of the wallet. */
export function channelAnswerOf(
  channel: Pick<WalletChannel, 'ch' | 'open'>,
  changes: Partial<ChannelAnswer> = {},
): ChannelAnswer {
  const { body } = channel.open;
  const open = { ...channel.open, body: { ...body } };
  return {
    ch: channel.ch,
    a: body.a,
    b: body.b,
    fund_a: body.fund_a,
    fund_b: body.fund_b,
    escrow_a: body.fund_a,
    escrow_b: body.fund_b,
    state: 'active',
    open_by: Number(body.open_by),
    expires_at: Number(body.expires_at),
    window_ms: Number(body.window_ms),
    claim_ms: Number(body.claim_ms),
    close_at: null,
    version: 1,
    lanes: [],
    claims: [],
    mailbox: [],
    open,
    close: null,
    ...changes,
  };
}

/** A claim on a task of the wallet, as the ledger lists it. */
export function claimOf(
  channel: { ch: string; budget: Pick<WalletChannel['budget'], 'dir'> },
  task: WalletTask,
  changes: Partial<ChannelAnswer['claims'][number]> = {},
): ChannelAnswer['claims'][number] {
  return {
    id: sha256Base64url(utf8(`claim ${task.task}`)),
    ch: channel.ch,
    dir: channel.budget.dir,
    lane: task.lane,
    base: String(task.base),
    cap: String(task.cap),
    price: '102',
    task: task.task,
    receipt: sha256Base64url(utf8(`receipt ${task.task}`)),
    not_after: task.notAfter,
    at: START,
    post_at: START + HOUR,
    state: 'pending',
    verdict: null,
    ...changes,
  };
}

/** Fails a test on a refusal, and gives the value otherwise. */
export function unwrap<T>(
  result: { ok: true; value: T } | { ok: false; code: string; detail?: string },
): T {
  if (result.ok) return result.value;
  throw new Error(`refused: ${result.code} ${result.detail ?? ''}`);
}
