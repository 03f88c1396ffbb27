import { METER } from '@zerostate/runtime';
import {
  type ChannelAnswer,
  COND_AFTER_MANIFEST_MS,
  createSigner,
  digestSha256,
  type EdgeMessage,
  type Envelope,
  encodeBase64url,
  envelopeField,
  foldMemo,
  idOf,
  type PaychCond,
  type PaychOpen,
  paychOpenSchema,
  type Signer,
  sealEnvelope,
  type TaskManifest,
  type TaskReceipt,
  taskReceiptSchema,
} from '@zerostate/shared';
import type { Clock } from '../ports.ts';
import type { TestEdge } from './edge.ts';

const HOUR = 3_600_000;

let counter = 0;
/** A nonce that no other call of this test gives. */
function freshNonce(): string {
  counter += 1;
  const bytes = new Uint8Array(16);
  new DataView(bytes.buffer).setUint32(0, counter);
  return encodeBase64url(bytes);
}

export type Order = {
  manifest?: Partial<TaskManifest>;
  cond?: Partial<PaychCond>;
  /** The input's bytes, sent inline unless `blob` is set. */
  input?: Uint8Array;
  asBlob?: boolean;
  /** Signs the cond instead of the caller. */
  payer?: Signer;
};

export type Placed = { task: string; seq: number; base: bigint; lane: number };
/** An order with what goes to the executor. */
export type Signed = Omit<Placed, 'seq'> & { body: EdgeMessage<'task.offer'> };

/** A caller for tests: signs opens, manifests, conds and vouchers as a wallet would. */
export class Caller {
  readonly signer: Signer;
  readonly #edge: TestEdge;
  readonly #time: Clock;
  readonly #node: string;
  readonly #module: string;
  ch = '';
  /** Per lane: total paid and memo. */
  readonly lanes = new Map<number, { cum: bigint; memo: string }>();

  constructor(signer: Signer, edge: TestEdge, time: Clock, node: string, module: string) {
    this.signer = signer;
    this.#edge = edge;
    this.#time = time;
    this.#node = node;
    this.#module = module;
  }

  static async make(
    edge: TestEdge,
    time: Clock,
    node: string,
    module: string,
    fill = 5,
  ): Promise<Caller> {
    return new Caller(await createSigner(new Uint8Array(32).fill(fill)), edge, time, node, module);
  }

  get dir(): 'a' | 'b' {
    return this.signer.did < this.#node ? 'a' : 'b';
  }

  openBody(changes: Partial<PaychOpen> = {}): PaychOpen {
    const own = this.signer.did;
    const [a, b] = own < this.#node ? [own, this.#node] : [this.#node, own];
    const fund = { fund_a: '0', fund_b: '0', [`fund_${this.dir}`]: '1000000' };
    const now = this.#time.now();
    return {
      a,
      b,
      fund_a: fund.fund_a,
      fund_b: fund.fund_b,
      nonce: freshNonce(),
      open_by: String(now + HOUR),
      expires_at: String(now + 100 * HOUR),
      window_ms: String(24 * HOUR),
      claim_ms: String(HOUR),
      asset: 'credit',
      ...changes,
    };
  }

  /** Proposes a channel; the sequence of the proposal. */
  async propose(changes: Partial<PaychOpen> = {}): Promise<{ ch: string; seq: number }> {
    const body = this.openBody(changes);
    const { network } = this.#edge;
    const envelope = await sealEnvelope(network, 'paych.open', body, this.signer);
    const ch = idOf(network, 'paych.open', body);
    const seq = this.#edge.deliver('ledger', 'channel.proposal', { kind: 'open', envelope });
    return { ch, seq };
  }

  /** An active channel of 1 unit with the node. */
  async open(): Promise<void> {
    const { ch } = await this.propose();
    this.ch = ch;
    const accepted = await this.#edge.message('channel.accept', (body) => {
      const { network } = this.#edge;
      return idOf(network, 'paych.open', envelopeField.parse(body.envelope).body) === ch;
    });
    this.activate(ch, envelopeField.parse(accepted.body.envelope));
    this.#edge.deliver('ledger', 'channel.changed', { ch, state: 'active' });
  }

  activate(ch: string, open: Envelope<unknown>): void {
    const body = paychOpenSchema.parse(open.body);
    const answer: ChannelAnswer = {
      ch,
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
      open: envelopeField.parse(open),
      close: null,
    };
    this.#edge.channels.set(ch, answer);
  }

  /** Offers a task on lane 1 unless told otherwise. */
  async offer(order: Order = {}): Promise<Placed> {
    const { body, ...placed } = await this.sign(order);
    const seq = this.#edge.deliver('directory', 'task.offer', body);
    return { ...placed, seq };
  }

  /** A signed offer that is not sent yet. */
  async sign(order: Order = {}): Promise<Signed> {
    const { network } = this.#edge;
    const input = order.input ?? new Uint8Array(0);
    const now = this.#time.now();
    const manifest: TaskManifest = {
      nonce: freshNonce(),
      creator: this.signer.did,
      executor: this.#node,
      agent: 'hello',
      module: this.#module,
      abi: 'call',
      fn: 'hello',
      args: [],
      input: await digestSha256(input),
      input_len: String(input.length),
      gas_max: '1000000',
      pages_max: '64',
      wall_ms_max: '10000',
      output_max: '1048576',
      price_base: '1000',
      price_per_mgas: '100',
      price_per_page: '10',
      price_max: '5000',
      meter: METER,
      not_after: String(now + HOUR),
      ...order.manifest,
    };
    const task = idOf(network, 'task.manifest', manifest);
    const lane = Number(order.cond?.lane ?? '1');
    const base = this.lanes.get(lane)?.cum ?? 0n;
    const cond: PaychCond = {
      ch: this.ch,
      dir: this.dir,
      lane: '1',
      base: String(base),
      cap: manifest.price_max,
      task,
      executor: this.#node,
      not_after: String(Number(manifest.not_after) + COND_AFTER_MANIFEST_MS),
      ...order.cond,
    };
    const inline = order.asBlob === true || input.length === 0 ? {} : { input: encode(input) };
    if (order.asBlob === true) this.#edge.blobs.set(await digestSha256(input), input);
    const body = {
      manifest: await sealEnvelope(network, 'task.manifest', manifest, this.signer),
      cond: await sealEnvelope(network, 'paych.cond', cond, order.payer ?? this.signer),
      ...inline,
    };
    return { task, base: BigInt(cond.base), lane, body };
  }

  /** The receipt of a task, when its result comes. */
  async result(task: string): Promise<TaskReceipt> {
    const isOurs = (body: Record<string, unknown>): boolean => receiptOf(body).task === task;
    return receiptOf((await this.#edge.message('task.result', isOurs)).body);
  }

  /** Pays a receipt: the plain voucher with the memo folded on. */
  async pay(placed: Placed, receipt: TaskReceipt): Promise<number> {
    return this.#edge.deliver('ledger', 'voucher.deliver', await this.payment(placed, receipt));
  }

  /** The voucher that pays a receipt, not sent yet. */
  async payment(
    placed: Omit<Placed, 'seq'>,
    receipt: TaskReceipt,
  ): Promise<EdgeMessage<'voucher.deliver'>> {
    const lane = this.lanes.get(placed.lane) ?? { cum: 0n, memo: '' };
    const id = idOf(this.#edge.network, 'task.receipt', receipt);
    const price = BigInt(receipt.price);
    const next = { cum: placed.base + price, memo: foldMemo(lane.memo, id, price) };
    this.lanes.set(placed.lane, next);
    const body = { lane: String(placed.lane), cum: String(next.cum), memo: next.memo };
    return { voucher: await this.#sealVoucher(body, this.signer) };
  }

  async voucher(body: { lane: string; cum: string; memo: string }, by?: Signer): Promise<number> {
    const voucher = await this.#sealVoucher(body, by ?? this.signer);
    return this.#edge.deliver('ledger', 'voucher.deliver', { voucher });
  }

  #sealVoucher(body: { lane: string; cum: string; memo: string }, by: Signer) {
    const { network } = this.#edge;
    return sealEnvelope(network, 'paych.voucher', { ch: this.ch, dir: this.dir, ...body }, by);
  }

  /** Proposes a cooperative close with these totals for the node. */
  async close(total: bigint): Promise<number> {
    const cum = { cum_a: '0', cum_b: '0', [`cum_${this.dir}`]: String(total) };
    const body = {
      ch: this.ch,
      cum_a: cum.cum_a,
      cum_b: cum.cum_b,
      not_after: String(this.#time.now() + HOUR),
    };
    const envelope = await sealEnvelope(this.#edge.network, 'paych.close', body, this.signer);
    return this.#edge.deliver('ledger', 'channel.proposal', { kind: 'close', envelope });
  }
}

function encode(bytes: Uint8Array): string {
  return encodeBase64url(bytes);
}

export function receiptOf(body: Record<string, unknown>): TaskReceipt {
  return taskReceiptSchema.parse(envelopeField.parse(body.receipt).body);
}
