import {
  type AccountAnswer,
  accountAnswerSchema,
  type CardAnswer,
  type CardListAnswer,
  type ChannelAnswer,
  type ChannelListAnswer,
  type ClaimAnswer,
  type ClaimListAnswer,
  type ConservationAnswer,
  cardAnswerSchema,
  cardListAnswerSchema,
  channelAnswerSchema,
  channelListAnswerSchema,
  claimAnswerSchema,
  claimListAnswerSchema,
  conservationAnswerSchema,
  type Envelope,
  type LaneListAnswer,
  laneListAnswerSchema,
  type NetworkAnswer,
  networkAnswerSchema,
  type PublishCardRequest,
  type ReceiptAnswer,
  type RedeemAnswer,
  type Redemption,
  type ReputationAnswer,
  receiptAnswerSchema,
  redeemAnswerSchema,
  reputationAnswerSchema,
  type Seal,
  type SearchAnswer,
  type SearchRequest,
  type Signer,
  type SubmitTaskRequest,
  sealListAnswerSchema,
  searchAnswerSchema,
  type TaskAnswer,
  type Transfer,
  taskAnswerSchema,
  transferListAnswerSchema,
  type VoucherAnswer,
  voucherAnswerSchema,
  type WithdrawalAnswer,
  type WithdrawalListAnswer,
  withdrawalAnswerSchema,
  withdrawalListAnswerSchema,
} from '@zerostate/shared';
import { systemClock, systemRng, systemTimers } from './adapters/system.ts';
import { getBlob, putBlob } from './http/blobs.ts';
import type { EdgeResult } from './http/outcome.ts';
import { createRequests, query } from './http/requests.ts';
import { createTransport } from './http/transport.ts';
import type { Clock, Fetch, Rng, Timers } from './ports.ts';

export interface EdgeClientOptions {
  /** Origin of the edge, such as `http://127.0.0.1:8787`. */
  url: string;
  /** Who asks; without one, only public reads are possible. */
  signer?: Signer;
  /** Asked before each attempt where the edge is, when it is not always at `url`. */
  locate?: () => Promise<string>;
  fetch?: Fetch;
  clock?: Clock;
  rng?: Rng;
  timers?: Timers;
}

export interface CallOptions {
  signal?: AbortSignal | undefined;
}

/** For operations that move value: the same key asks for the same operation, not for another. */
export interface KeyedOptions extends CallOptions {
  /** Made up for each call when absent; keep one to resume an operation after a crash. */
  idempotencyKey?: string | undefined;
}

/** `waitMs`: how long the edge may hold the answer until there is news, at most WAIT_MS_MAX. */
export interface WaitOptions extends CallOptions {
  waitMs?: number | undefined;
}

/**
 * The edge's HTTP API with types. Answers are checked at the border; a refusal carries the edge's
 * problem and its code, a lost connection the code `edge-unreachable`. Nothing throws for what an
 * edge or a network does.
 */
export interface EdgeClient {
  readonly url: string;
  network(options?: CallOptions): Promise<EdgeResult<NetworkAnswer>>;

  publishCard(request: PublishCardRequest, options?: CallOptions): Promise<EdgeResult<CardAnswer>>;
  card(did: string, agent: string, options?: CallOptions): Promise<EdgeResult<CardAnswer>>;
  cards(
    page?: { did?: string; cursor?: string },
    options?: CallOptions,
  ): Promise<EdgeResult<CardListAnswer>>;
  search(request: SearchRequest, options?: CallOptions): Promise<EdgeResult<SearchAnswer>>;

  account(did: string, options?: CallOptions): Promise<EdgeResult<AccountAnswer>>;
  /** Play money for the signer, where the network gives it out. */
  faucet(amount: bigint, options?: KeyedOptions): Promise<EdgeResult<AccountAnswer>>;
  credit(credit: Envelope<unknown>, options?: KeyedOptions): Promise<EdgeResult<AccountAnswer>>;
  /** Takes money out: held at once, paid by an operator. Repeating it holds nothing more. */
  withdraw(
    withdraw: Envelope<unknown>,
    options?: KeyedOptions,
  ): Promise<EdgeResult<WithdrawalAnswer>>;
  /** An operator's word that a withdrawal was paid or refused. */
  debit(debit: Envelope<unknown>, options?: KeyedOptions): Promise<EdgeResult<WithdrawalAnswer>>;
  withdrawal(id: string, options?: CallOptions): Promise<EdgeResult<WithdrawalAnswer>>;
  /** One page above `after`: the signer's own, or everybody's for an operator. */
  withdrawals(
    page?: { did?: string; state?: WithdrawalAnswer['state']; after?: number },
    options?: CallOptions,
  ): Promise<EdgeResult<WithdrawalListAnswer>>;
  /** Transfers above `after`, oldest first, one page. */
  transfers(
    after?: number,
    options?: CallOptions,
  ): Promise<EdgeResult<{ transfers: Transfer[]; next?: number | undefined }>>;
  seals(
    after?: number,
    options?: CallOptions,
  ): Promise<EdgeResult<{ seals: Seal[]; next?: number | undefined }>>;
  /** What every lane has paid, with the signature that allowed it; one page. */
  lanes(after?: string, options?: CallOptions): Promise<EdgeResult<LaneListAnswer>>;
  claims(after?: string, options?: CallOptions): Promise<EdgeResult<ClaimListAnswer>>;
  conservation(options?: CallOptions): Promise<EdgeResult<ConservationAnswer>>;

  openChannel(open: Envelope<unknown>, options?: KeyedOptions): Promise<EdgeResult<ChannelAnswer>>;
  acceptChannel(
    ch: string,
    open: Envelope<unknown>,
    options?: KeyedOptions,
  ): Promise<EdgeResult<ChannelAnswer>>;
  cancelChannel(
    ch: string,
    cancel: Envelope<unknown>,
    options?: KeyedOptions,
  ): Promise<EdgeResult<ChannelAnswer>>;
  /** With `version` the edge answers as soon as the channel's version is above it. */
  channel(
    ch: string,
    options?: WaitOptions & { version?: number | undefined },
  ): Promise<EdgeResult<ChannelAnswer>>;
  channels(
    did: string,
    options?: CallOptions & { cursor?: string | undefined },
  ): Promise<EdgeResult<ChannelListAnswer>>;
  /** Leaves a voucher in the payee's mailbox. */
  voucher(
    ch: string,
    voucher: Envelope<unknown>,
    options?: CallOptions,
  ): Promise<EdgeResult<VoucherAnswer>>;
  redeem(
    ch: string,
    redemptions: readonly Redemption[],
    options?: KeyedOptions,
  ): Promise<EdgeResult<RedeemAnswer>>;
  /** Cooperative close, with one signature or both. */
  close(
    ch: string,
    close: Envelope<unknown>,
    options?: KeyedOptions,
  ): Promise<EdgeResult<ChannelAnswer>>;
  /** Unilateral close: starts the window. */
  close1(
    ch: string,
    close1: Envelope<unknown>,
    options?: KeyedOptions,
  ): Promise<EdgeResult<ChannelAnswer>>;
  finalize(ch: string, options?: KeyedOptions): Promise<EdgeResult<ChannelAnswer>>;
  /** Adds to one's own side. */
  topup(
    ch: string,
    topup: Envelope<unknown>,
    options?: KeyedOptions,
  ): Promise<EdgeResult<ChannelAnswer>>;
  /** Moves income of another channel to one's own side of `ch`. */
  roll(
    ch: string,
    roll: Envelope<unknown>,
    options?: KeyedOptions,
  ): Promise<EdgeResult<ChannelAnswer>>;

  submitTask(request: SubmitTaskRequest, options?: WaitOptions): Promise<EdgeResult<TaskAnswer>>;
  task(id: string, options?: WaitOptions): Promise<EdgeResult<TaskAnswer>>;
  /** Asks the executor of an offered task to drop it. */
  cancelTask(
    task: string,
    cancel: Envelope<unknown>,
    options?: CallOptions,
  ): Promise<EdgeResult<TaskAnswer>>;
  object(
    task: string,
    objection: Envelope<unknown>,
    options?: CallOptions,
  ): Promise<EdgeResult<TaskAnswer>>;
  claim(
    cond: Envelope<unknown>,
    receipt: Envelope<unknown>,
    options?: KeyedOptions,
  ): Promise<EdgeResult<ClaimAnswer>>;
  postClaim(id: string, options?: KeyedOptions): Promise<EdgeResult<ClaimAnswer>>;

  /** Stores bytes under their sha256, which is the answer. */
  putBlob(bytes: Uint8Array, options?: CallOptions): Promise<EdgeResult<string>>;
  /** Bytes whose sha256 was checked. */
  getBlob(hash: string, options?: CallOptions): Promise<EdgeResult<Uint8Array<ArrayBuffer>>>;
  receipt(id: string, options?: CallOptions): Promise<EdgeResult<ReceiptAnswer>>;
  reputation(did: string, options?: CallOptions): Promise<EdgeResult<ReputationAnswer>>;
}

/** A client of one edge. Runs wherever `fetch` and WebCrypto are. */
export function createEdgeClient(options: EdgeClientOptions): EdgeClient {
  const rng = options.rng ?? systemRng;
  const transport = createTransport({
    url: options.locate ?? options.url,
    signer: options.signer,
    fetch: options.fetch ?? ((url, init) => fetch(url, init)),
    clock: options.clock ?? systemClock,
    rng,
    timers: options.timers ?? systemTimers,
  });
  const { get, post, postKeyed } = createRequests(transport, rng);
  const at = encodeURIComponent;
  return {
    url: options.url,
    network: (o) => get('v1/network', networkAnswerSchema, o),

    publishCard: (request, o) => post('v1/cards', request, cardAnswerSchema, o),
    card: (did, agent, o) => get(`v1/agents/${at(did)}/${at(agent)}`, cardAnswerSchema, o),
    cards: (page, o) => get(`v1/cards${query({ ...page })}`, cardListAnswerSchema, o),
    search: (request, o) => post('v1/search', request, searchAnswerSchema, o, 'public'),

    account: (did, o) => get(`v1/accounts/${at(did)}`, accountAnswerSchema, o),
    faucet: (amount, o) =>
      postKeyed('v1/faucet', { amount: String(amount) }, accountAnswerSchema, o, 'private'),
    credit: (credit, o) => postKeyed('v1/credits', { credit }, accountAnswerSchema, o),
    withdraw: (withdraw, o) =>
      postKeyed('v1/withdrawals', { withdraw }, withdrawalAnswerSchema, o, 'public'),
    debit: (debit, o) => postKeyed('v1/debits', { debit }, withdrawalAnswerSchema, o, 'public'),
    withdrawal: (id, o) => get(`v1/withdrawals/${at(id)}`, withdrawalAnswerSchema, o, 'private'),
    withdrawals: (page, o) =>
      get(`v1/withdrawals${query({ ...page })}`, withdrawalListAnswerSchema, o, 'private'),
    transfers: (after, o) =>
      get(`v1/ledger/transfers${query({ after })}`, transferListAnswerSchema, o),
    seals: (after, o) => get(`v1/ledger/seals${query({ after })}`, sealListAnswerSchema, o),
    lanes: (after, o) => get(`v1/ledger/lanes${query({ after })}`, laneListAnswerSchema, o),
    claims: (after, o) => get(`v1/ledger/claims${query({ after })}`, claimListAnswerSchema, o),
    conservation: (o) => get('v1/ledger/conservation', conservationAnswerSchema, o),

    openChannel: (open, o) => postKeyed('v1/channels', { open }, channelAnswerSchema, o),
    acceptChannel: (ch, open, o) =>
      postKeyed(`v1/channels/${at(ch)}/accept`, { open }, channelAnswerSchema, o),
    cancelChannel: (ch, cancel, o) =>
      postKeyed(`v1/channels/${at(ch)}/cancel`, { cancel }, channelAnswerSchema, o),
    channel: (ch, o) => {
      const wait = query({ wait: seconds(o?.waitMs), version: o?.version });
      return get(`v1/channels/${at(ch)}${wait}`, channelAnswerSchema, o);
    },
    channels: (did, o) =>
      get(`v1/channels${query({ did, cursor: o?.cursor })}`, channelListAnswerSchema, o),
    voucher: (ch, voucher, o) =>
      post(`v1/channels/${at(ch)}/vouchers`, { voucher }, voucherAnswerSchema, o, 'public'),
    redeem: (ch, redemptions, o) =>
      postKeyed(`v1/channels/${at(ch)}/redeem`, { redemptions }, redeemAnswerSchema, o),
    close: (ch, close, o) =>
      postKeyed(`v1/channels/${at(ch)}/close`, { close }, channelAnswerSchema, o),
    close1: (ch, close1, o) =>
      postKeyed(`v1/channels/${at(ch)}/close1`, { close1 }, channelAnswerSchema, o),
    finalize: (ch, o) => postKeyed(`v1/channels/${at(ch)}/finalize`, {}, channelAnswerSchema, o),
    topup: (ch, topup, o) =>
      postKeyed(`v1/channels/${at(ch)}/topup`, { topup }, channelAnswerSchema, o),
    roll: (ch, roll, o) =>
      postKeyed(`v1/channels/${at(ch)}/roll`, { roll }, channelAnswerSchema, o),

    // What is inside is signed, and proves more than a signature over the request.
    submitTask: (request, o) => {
      const wait = query({ wait: seconds(o?.waitMs) });
      return post(`v1/tasks${wait}`, request, taskAnswerSchema, o, 'public');
    },
    task: (id, o) => {
      const wait = query({ wait: seconds(o?.waitMs) });
      return get(`v1/tasks/${at(id)}${wait}`, taskAnswerSchema, o, 'private');
    },
    cancelTask: (task, cancel, o) =>
      post(`v1/tasks/${at(task)}/cancel`, { cancel }, taskAnswerSchema, o, 'public'),
    object: (task, objection, o) =>
      post(`v1/tasks/${at(task)}/objection`, { objection }, taskAnswerSchema, o),
    claim: (cond, receipt, o) => postKeyed('v1/claims', { cond, receipt }, claimAnswerSchema, o),
    postClaim: (id, o) => postKeyed(`v1/claims/${at(id)}/post`, {}, claimAnswerSchema, o),

    putBlob: (bytes, o) => putBlob(transport, bytes, o),
    getBlob: (hash, o) => getBlob(transport, hash, o),
    receipt: (id, o) => get(`v1/receipts/${at(id)}`, receiptAnswerSchema, o),
    reputation: (did, o) => get(`v1/reputation/${at(did)}`, reputationAnswerSchema, o),
  };
}

/** The API counts waits in whole seconds. */
function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}
