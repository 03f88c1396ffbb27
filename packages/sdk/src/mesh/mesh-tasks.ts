import type { AskResult, Mesh, Question, Reply } from '@zerostate/mesh';
import {
  type Did,
  decodeBase64url,
  digestSha256,
  type Envelope,
  type ExecutorMessage,
  encodeBase64url,
  envelopeField,
  err,
  INLINE_BYTES_MAX,
  idOf,
  ok,
  openEnvelope,
  paychCondSchema,
  paychVoucherSchema,
  type SubmitTaskRequest,
  type TaskAnswer,
  type TaskReject,
  taskAcceptSchema,
  taskManifestSchema,
  taskReceiptSchema,
  type Verifier,
  type VoucherAnswer,
} from '@zerostate/shared';
import type { SentOrders } from '../client/sent-orders.ts';
import type { CallOptions, WaitOptions } from '../edge-client.ts';
import type { EdgeFailure, EdgeResult } from '../http/outcome.ts';
import { pause } from '../http/pause.ts';
import type { Clock, Rng, Timers } from '../ports.ts';
import type { ModuleStore } from '../verify/modules.ts';
import type { Wallet } from '../wallet/wallet.ts';
import { isOver, type KnownTask, KnownTasks } from './known-tasks.ts';

/** An offer, and a result of 8 MiB that comes back, through a slow relay. */
const OFFER_MS = 30_000;
/** Tries of one offer whose answer was lost; the same task is never run twice. */
const OFFERS_MAX = 3;
const OFFER_PAUSE_MS = 500;
/** An executor tells the result by itself; who has heard nothing asks, less and less often. */
const POLL_MS_MIN = 1_000;
const POLL_MS_MAX = 8_000;
/** An executor past its own deadline by this much is not coming back with it. */
const LATE_MS = 5_000;

/** Peers that are remembered to have been connected. */
const REACHED_MAX = 4_096;

/** Codes of an ask that show that nothing left this node. */
const NOT_SENT = [
  'peer-unreachable',
  'address-refused',
  'address-invalid',
  'peer-differs',
  'protocol-unsupported',
  'stopped',
];
/** Refusals after which the executor may have taken the task all the same. */
const UNSURE = ['internal', 'deadline'];

/** The executor took no notice of the message, and says why in `detail`. */
const REFUSED = 'executor-refused';

/** The executor may have the message, and nothing came back. */
const SILENT = 'executor-silent';

type OfferFailure = EdgeFailure & { retryMs?: number };
type Offered = Extract<EdgeResult<TaskAnswer>, { ok: true }> | OfferFailure;

export interface MeshTasksOptions {
  mesh: Mesh;
  network: string;
  verifier: Verifier;
  wallet: Wallet;
  orders: SentOrders;
  /** Inputs and outputs that are under way. */
  bytes: ModuleStore;
  clock: Clock;
  rng: Rng;
  timers: Timers;
}

/** Tasks between a caller and its executors, without anybody in between. */
export class MeshTasks {
  readonly #options: MeshTasksOptions;
  readonly #known = new KnownTasks();
  /** Peers that were connected directly at some time. */
  readonly #reached: Set<Did>;

  constructor(options: MeshTasksOptions) {
    this.#options = options;
    const { wire } = options.mesh;
    this.#reached = new Set(wire.connections().map(({ did }) => did));
    wire.watch({ up: (did) => this.#met(did) });
    options.mesh.tasks.handle('task.result', (question) => this.#told(question));
  }

  /** Offers a task to its executor. It is on disk here before it leaves. */
  async submit(
    { manifest, cond, input }: SubmitTaskRequest,
    options: CallOptions = {},
  ): Promise<EdgeResult<TaskAnswer>> {
    const { orders, bytes } = this.#options;
    const order = this.#orderOf(manifest, cond);
    const inline = input === undefined ? null : decodeBase64url(input);
    const given = inline?.ok === true ? inline.value : await bytes.get(order.manifest.body.input);
    const isEmpty = order.manifest.body.input_len === '0';
    const known = given ?? (isEmpty ? new Uint8Array() : null);
    if (known === null) return { ok: false, code: 'task-input-missing', isSent: false };
    await orders.keep(order.task, known);
    const task = this.#known.add(order, this.#options.clock.now());
    const offered = await this.#offer(task, known, options.signal);
    if (offered.ok) return offered;
    if (offered.isSent === false) {
      this.#known.drop(order.task);
      await orders.forget(order.task);
    }
    // It said no to the message itself.
    if (offered.code !== REFUSED) return offered;
    const { detail: code = REFUSED, retryMs } = offered;
    const retry = retryMs === undefined ? {} : { retry_ms: retryMs };
    return this.#rejected(task, { task: order.task, code, ...retry });
  }

  /**
   * How a task is. null for one that did not go this way: an edge may know it. With `waitMs` the
   * answer comes as soon as it is over.
   */
  async task(id: string, options: WaitOptions = {}): Promise<EdgeResult<TaskAnswer> | null> {
    const { clock } = this.#options;
    const known = this.#known.get(id) ?? (await this.#recall(id));
    if (known === null) return null;
    const until = clock.now() + (options.waitMs ?? 0);
    let pollMs = POLL_MS_MIN;
    // Without a wait it is asked at once.
    if (until <= clock.now() && !isOver(known.answer)) return this.#ask(known, options.signal);
    while (!isOver(known.answer) && clock.now() < until) {
      await this.#change(known, Math.min(pollMs, until - clock.now()), options.signal);
      if (options.signal?.aborted === true) return { ok: false, code: 'aborted' };
      if (isOver(known.answer)) break;
      pollMs = Math.min(POLL_MS_MAX, pollMs * 2);
      // Its executor may be away for a moment: the next try is soon enough.
      await this.#ask(known, options.signal);
    }
    return { ok: true, value: this.#aged(known) };
  }

  /** The executor that a task was sent to; null for one that did not go this way. */
  async sentTo(id: string): Promise<KnownTask | null> {
    return this.#known.get(id) ?? (await this.#recall(id));
  }

  /** The task whose output has this hash. */
  byOutput(hash: string): KnownTask | null {
    return this.#known.byOutput(hash);
  }

  /** Asks its executor to drop a task. */
  async cancel(id: string): Promise<EdgeResult<TaskAnswer> | null> {
    const known = this.#known.get(id) ?? (await this.#recall(id));
    if (known === null) return null;
    const message = { type: 'task.cancel' as const, body: { task: id } };
    return this.#take(known, await this.#options.mesh.ask(known.executor, message));
  }

  /** Takes a voucher to the channel's other party; null where it did not arrive. */
  async pay(ch: string, voucher: Envelope<unknown>): Promise<VoucherAnswer | null> {
    const { wallet, mesh } = this.#options;
    const channel = await wallet.channel(ch);
    if (channel === null) return null;
    const body = { voucher: envelopeField.parse(voucher) };
    const message = { type: 'voucher.deliver' as const, body };
    const asked = await mesh.ask(channel.peer, message);
    if (!asked.ok) return null;
    const { dir, lane, cum } = paychVoucherSchema.parse(voucher.body);
    return { ch, dir, lane: Number(lane), held: cum };
  }

  #met(did: Did): void {
    this.#reached.delete(did);
    this.#reached.add(did);
    const oldest = this.#reached.values().next();
    if (this.#reached.size > REACHED_MAX && oldest.done !== true)
      this.#reached.delete(oldest.value);
  }

  #orderOf(manifest: Envelope<unknown>, cond: Envelope<unknown>) {
    // This wallet signed both.
    const ordered = { ...manifest, body: taskManifestSchema.parse(manifest.body) };
    const agreed = { ...cond, body: paychCondSchema.parse(cond.body) };
    const task = idOf(this.#options.network, 'task.manifest', ordered.body);
    return { task, manifest: ordered, cond: agreed };
  }

  /** A task that an earlier process sent: it is offered again, which changes nothing. */
  async #recall(id: string): Promise<KnownTask | null> {
    const { wallet, orders, clock } = this.#options;
    const task = await wallet.task(id);
    if (task === null || (await orders.input(id)) === null) return null;
    return this.#known.add(task, clock.now());
  }

  async #ask(known: KnownTask, signal?: AbortSignal): Promise<EdgeResult<TaskAnswer>> {
    // An executor that accepted has the input.
    if (known.answer.accept !== null) return this.#offerOnce(known, null);
    const input = await this.#options.orders.input(known.task);
    const offered = await this.#offer(known, input ?? new Uint8Array(), signal);
    // It was sent before: that it cannot be sent now says nothing about what became of it.
    return offered.ok ? offered : withoutSent(offered);
  }

  async #offer(known: KnownTask, input: Uint8Array, signal?: AbortSignal): Promise<Offered> {
    let isSent = false;
    for (let again = 1; ; again++) {
      const offered = await this.#offerOnce(known, input);
      if (offered.ok) return offered;
      // A refusal says nothing about a copy that may have arrived before.
      if (offered.code === REFUSED) return isSent ? { ...offered, code: SILENT } : offered;
      isSent ||= offered.isSent !== false;
      const isLast = again >= OFFERS_MAX || offered.isSent === false;
      if (isLast) return isSent ? withoutSent(offered) : offered;
      const goesOn = await pause(this.#options.timers, OFFER_PAUSE_MS * again, signal);
      if (!goesOn) return { ok: false, code: 'aborted' };
    }
  }

  /** Each offer has a key of its own: the answer is how the task is now, not how it was. */
  async #offerOnce(known: KnownTask, input: Uint8Array | null): Promise<Offered> {
    const { mesh, rng } = this.#options;
    const isInline = input !== null && input.length > 0 && input.length <= INLINE_BYTES_MAX;
    const body = {
      manifest: envelopeField.parse(known.manifest),
      cond: envelopeField.parse(known.cond),
      ...(isInline ? { input: encodeBase64url(input) } : {}),
    };
    const message = { type: 'task.offer' as const, body };
    const options = {
      key: encodeBase64url(rng.bytes(16)),
      withinMs: OFFER_MS,
      ...(isInline || input === null ? {} : { body: input }),
    };
    // The connection itself says for certain whether anything left; a way through others does not,
    // and is for executors that no connection reaches. One that was connected a moment ago is gone.
    const direct = await mesh.tasks.ask(known.executor, message, options);
    const isNotSent = !direct.ok && NOT_SENT.includes(direct.code);
    const isFar = isNotSent && !this.#reached.has(known.executor) && isRouted(mesh, known.executor);
    return this.#take(known, isFar ? await mesh.ask(known.executor, message, options) : direct);
  }

  /** What an executor answered to an offer or a cancellation. */
  async #take(known: KnownTask, asked: AskResult): Promise<Offered> {
    if (!asked.ok) return refusedOrLost(asked);
    const { message, body } = asked.value;
    switch (message?.type) {
      case 'task.accept': {
        const { accept } = message.body;
        const deadline = await this.#checkAccept(known, accept);
        if (deadline === null) break;
        const when = { deadline, now: this.#options.clock.now() };
        return { ok: true, value: this.#known.accepted(known, accept, when) };
      }
      case 'task.reject':
        if (message.body.task !== known.task) break;
        return this.#rejected(known, message.body);
      case 'task.result': {
        const isTaken = await this.#result(known, message.body, body);
        if (isTaken) return { ok: true, value: known.answer };
        break;
      }
      default:
    }
    return { ok: false, code: 'executor-answer-invalid', detail: message?.type ?? 'ack' };
  }

  /** What was turned down is not offered again, by nobody. */
  async #rejected(known: KnownTask, reject: TaskReject): Promise<EdgeResult<TaskAnswer>> {
    const value = this.#known.rejected(known, reject);
    if (value.state === 'rejected') await this.#options.orders.forget(known.task);
    return { ok: true, value };
  }

  /** The deadline that an executor signed for this task. */
  async #checkAccept(known: KnownTask, accept: unknown): Promise<number | null> {
    const { network, verifier } = this.#options;
    const opened = await openEnvelope(network, accept, taskAcceptSchema, 'task.accept', verifier, {
      by: [known.executor],
    });
    if (!opened.ok || opened.value.body.task !== known.task) return null;
    return Number(opened.value.body.deadline);
  }

  /** An executor that tells a result by itself. */
  async #told({ from, message, body }: Question): Promise<Reply> {
    if (message.type !== 'task.result') return err('message-unexpected', message.type);
    const receipt = taskReceiptSchema.safeParse(message.body.receipt.body);
    const known = receipt.success ? this.#known.get(receipt.data.task) : null;
    if (known === null || known.executor !== from) return err('task-unknown');
    const isTaken = await this.#result(known, message.body, body);
    return isTaken ? ok({ message: null }) : err('receipt-invalid');
  }

  /** Takes a result whose receipt is its executor's word on this task. The first one counts. */
  async #result(
    known: KnownTask,
    { receipt, output }: ExecutorMessage<'task.result'>,
    body: Uint8Array,
  ): Promise<boolean> {
    const { network, verifier, bytes, clock } = this.#options;
    const opened = await openEnvelope(
      network,
      receipt,
      taskReceiptSchema,
      'task.receipt',
      verifier,
      { by: [known.executor] },
    );
    if (!opened.ok || opened.value.body.task !== known.task) return false;
    const inline = output === undefined ? null : decodeBase64url(output);
    const given = inline?.ok === true ? inline.value : body;
    const hash = opened.value.body.output;
    if ((await digestSha256(given)) === hash) await bytes.put(hash, new Uint8Array(given));
    this.#known.done(known, { receipt, hash, now: clock.now() });
    return true;
  }

  /** Until the task has news, or the time is over. */
  async #change(known: KnownTask, ms: number, signal?: AbortSignal): Promise<void> {
    const over = new AbortController();
    const end = (): void => over.abort();
    signal?.addEventListener('abort', end, { once: true });
    const stop = known.watch(end);
    await pause(this.#options.timers, Math.max(1, ms), over.signal);
    stop();
    signal?.removeEventListener('abort', end);
  }

  /** As it is by now: an executor that let its own deadline pass has failed. */
  #aged(known: KnownTask): TaskAnswer {
    const { answer, deadline } = known;
    const isLate = deadline !== null && this.#options.clock.now() > deadline + LATE_MS;
    return isLate && answer.state === 'accepted' ? { ...answer, state: 'failed' } : answer;
  }
}

/** Whether other nodes carry envelopes to it. */
function isRouted(mesh: Mesh, did: string): boolean {
  return mesh.routes(did).destinations.some(({ hops }) => hops !== null && hops > 1);
}

function refusedOrLost({ code, detail, refusal }: Extract<AskResult, { ok: false }>): Offered {
  if (NOT_SENT.includes(code)) {
    const about = detail === undefined ? code : `${code}: ${detail}`;
    return { ok: false, code: 'executor-unreachable', detail: about, isSent: false };
  }
  if (refusal === undefined || UNSURE.includes(refusal.code)) {
    return { ok: false, code: SILENT, detail: refusal?.code ?? code };
  }
  const isRate = refusal.code === 'over-message-rate' || refusal.code === 'over-byte-rate';
  const retry = refusal.retryMs > 0 ? { retryMs: refusal.retryMs } : {};
  return { ok: false, code: REFUSED, detail: isRate ? 'busy' : refusal.code, ...retry };
}

function withoutSent({ isSent: _, ...failure }: OfferFailure): OfferFailure {
  return failure;
}
