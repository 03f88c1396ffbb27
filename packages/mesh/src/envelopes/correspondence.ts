import { type Did, err, ok, type Result, type Signer } from '@zerostate/shared';
import type { Counters } from '../counters.ts';
import { deadline, pause } from '../deadline.ts';
import {
  ASK_AGAIN_AFTER,
  ENVELOPE_BYTES_MAX,
  ENVELOPE_SKEW_MS,
  ROUTED_QUESTIONS_MAX,
  SEND_AGAIN_MS,
  SEND_AGAIN_MS_MAX,
  TASK_STREAMS_MAX,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { Router } from '../routing/router.ts';
import {
  type AskResult,
  type Exchange,
  readWholeAnswer,
  wholeQuestion,
} from '../tasks/exchange.ts';
import type { Message, QosClass } from '../tasks/message.ts';
import { type Envelope, openSealed, sealFor } from './envelope.ts';
import type { RouteCode } from './hop.ts';
import { AgreementKeys, type AgreementPair } from './key-agreement.ts';
import type { Outbound, Way } from './outbound.ts';
import type { Seen } from './seen.ts';

/** GCM's tag. */
const SEAL_BYTES = 16;

export interface CorrespondenceParts {
  network: string;
  signer: Signer;
  /** The X25519 pair of this node's key. */
  pair: AgreementPair;
  ports: MeshPorts;
  counters: Counters;
  outbound: Outbound;
  router: Router;
  /** Ids of what was delivered here. */
  received: Seen;
  exchange: Exchange;
}

/** A question as it is asked; `until` by this node's clock, ms since the epoch. */
export interface Asked {
  to: Did;
  message: Message;
  key: string;
  body: Uint8Array;
  until: number;
}

/** A question that waits for its answer, under the ids of the envelopes that carry it. */
interface Waiting {
  asked: Asked;
  ids: string[];
  resolve: (answer: Result<Uint8Array, never>) => void;
  /** Aborts once there is an answer. */
  answered: AbortController;
}

interface Content {
  to: Did;
  re: string | null;
  qos: QosClass;
  bytes: Uint8Array;
}

type Unanswered = Result<never, RouteCode | 'deadline'>;

/** Questions and answers in envelopes: each answer is an envelope of its own, named by `re`. */
export class Correspondence {
  readonly #parts: CorrespondenceParts;
  readonly #keys = new AgreementKeys();
  readonly #waiting = new Map<string, Waiting>();
  /** Questions of each author that are worked on, and of all. */
  readonly #working = new Map<Did, number>();
  readonly #stopping = new AbortController();
  #questions: number;

  constructor(parts: CorrespondenceParts) {
    this.#parts = parts;
    this.#questions = 0;
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Asks over as many hops as it takes. Fails at once when no way is known. */
  async ask(asked: Asked): Promise<AskResult> {
    let resolve: Waiting['resolve'] = () => undefined;
    const answer = new Promise<Result<Uint8Array, never>>((taken) => {
      resolve = taken;
    });
    const waiting = { asked, ids: [], resolve, answered: new AbortController() };
    const won = await Promise.race([answer, this.#carry(waiting)]);
    waiting.answered.abort();
    for (const id of waiting.ids) this.#waiting.delete(id);
    return won.ok ? readWholeAnswer(won.value) : won;
  }

  /** Takes an envelope for this node whose author is proven. */
  async deliver(envelope: Envelope, via: Did): Promise<Result<void, RouteCode>> {
    const { network, pair, ports, received } = this.#parts;
    const { head, id } = envelope;
    const age = ports.clock.now() - head.issuedAt;
    if (age > head.ttlMs + ENVELOPE_SKEW_MS) return err('expired', `${age} ms old`);
    if (age < -ENVELOPE_SKEW_MS) return err('envelope-early', `${-age} ms ahead`);
    const isQuestion = head.re === null;
    if (isQuestion && !this.#hasRoomFor(head.from)) return err('busy');
    const added = received.add(id, via);
    if (added !== 'added') return err(added === 'full' ? 'busy' : 'repeated');
    const content = await openSealed(network, envelope, pair);
    if (!content.ok) return content;
    if (isQuestion) void this.#answer(envelope, content.value);
    else this.#answered(envelope, content.value);
    return ok(undefined);
  }

  /** Resolves only to say that no answer came. */
  async #carry(waiting: Waiting): Promise<Unanswered> {
    const { ports, router } = this.#parts;
    const { to, until } = waiting.asked;
    const withinMs = until - ports.clock.now();
    if (withinMs <= 0) return err('deadline');
    const limit = deadline(ports.timers, withinMs, this.#stopping.signal);
    const isOver = () => waiting.answered.signal.aborted || limit.signal.aborted;
    const nudge = AbortSignal.any([waiting.answered.signal, limit.signal]);
    try {
      const first = await this.#question(waiting, new Set(), limit.signal);
      // Somewhere it is still on its way: an answer may come.
      if (!first.ok && first.code !== 'repeated') {
        return err(first.code === 'expired' ? 'deadline' : first.code, first.detail);
      }
      const tried = new Set(first.ok ? [first.value] : []);
      await pause(ports.timers, withinMs * ASK_AGAIN_AFTER, nudge);
      if (!isOver()) {
        const second = await this.#question(waiting, tried, limit.signal);
        if (second.ok) tried.add(second.value);
      }
      if (!isOver()) await pause(ports.timers, withinMs, nudge);
      if (!waiting.answered.signal.aborted) for (const by of tried) router.unanswered(to, by);
      return err('deadline');
    } finally {
      limit.cancel();
    }
  }

  async #question(
    waiting: Waiting,
    avoid: ReadonlySet<Did>,
    signal: AbortSignal,
  ): Promise<Result<Did, RouteCode>> {
    const { ports } = this.#parts;
    const { to, message, key, body, until } = waiting.asked;
    const ttlMs = Math.max(1, Math.floor(until - ports.clock.now()));
    const whole = wholeQuestion(message, key, body, ttlMs);
    const envelope = await this.#seal({ to, re: null, ...whole }, ttlMs);
    if (!envelope.ok) return envelope;
    this.#waiting.set(envelope.value.id, waiting);
    waiting.ids.push(envelope.value.id);
    return this.#insist(envelope.value, { passed: [], avoid, until, signal }, isFull);
  }

  #answered({ head }: Envelope, content: Uint8Array): void {
    const waiting = this.#waiting.get(head.re ?? '');
    // Only whom it was asked can answer a question; who asked may have stopped waiting.
    if (waiting?.asked.to === head.from) waiting.resolve(ok(content));
    else this.#parts.counters.add('route-answers-unasked');
  }

  async #answer({ id, head }: Envelope, question: Uint8Array): Promise<void> {
    const { ports, exchange, counters } = this.#parts;
    const until = ports.clock.now() + head.ttlMs;
    const limit = deadline(ports.timers, head.ttlMs, this.#stopping.signal);
    this.#questions += 1;
    this.#working.set(head.from, (this.#working.get(head.from) ?? 0) + 1);
    try {
      const whole = await exchange.takeWhole(head.from, question, limit.signal);
      const sent = await this.#send({ to: head.from, re: id, ...whole }, until, limit.signal);
      if (!sent.ok) counters.add('route-answers-lost');
    } finally {
      limit.cancel();
      this.#questions -= 1;
      const left = (this.#working.get(head.from) ?? 1) - 1;
      if (left > 0) this.#working.set(head.from, left);
      else this.#working.delete(head.from);
    }
  }

  async #send(
    content: Content,
    until: number,
    signal: AbortSignal,
  ): Promise<Result<void, RouteCode>> {
    const { ports } = this.#parts;
    const ttlMs = Math.max(1, Math.floor(until - ports.clock.now()));
    const envelope = await this.#seal(content, ttlMs);
    if (!envelope.ok) return envelope;
    // Somebody waits for it: while there is time, a way may be found.
    const way = { passed: [], until, signal };
    const sent = await this.#insist(envelope.value, way, () => true);
    return sent.ok || sent.code === 'repeated' ? ok(undefined) : sent;
  }

  /** Sends an envelope again, with longer and longer pauses, while `isWorthIt` says so. */
  async #insist(
    envelope: Envelope,
    way: Way,
    isWorthIt: (code: RouteCode) => boolean,
  ): Promise<Result<Did, RouteCode>> {
    const { ports, outbound } = this.#parts;
    for (let pauseMs = SEND_AGAIN_MS; ; pauseMs = Math.min(2 * pauseMs, SEND_AGAIN_MS_MAX)) {
      const sent = await outbound.forward(envelope, way);
      if (sent.ok || sent.code === 'repeated' || sent.code === 'expired') return sent;
      if (!isWorthIt(sent.code)) return sent;
      const [byte = 128] = ports.rng.bytes(1);
      await pause(ports.timers, pauseMs * (0.75 + byte / 512), way.signal);
      if (way.signal.aborted) return sent;
    }
  }

  async #seal(content: Content, ttlMs: number): Promise<Result<Envelope, RouteCode>> {
    const { network, signer, ports } = this.#parts;
    const { to, re, qos, bytes } = content;
    if (bytes.length + SEAL_BYTES > ENVELOPE_BYTES_MAX) {
      return err('envelope-too-large', `${bytes.length} bytes`);
    }
    const about = { to, re, qos, ttlMs, issuedAt: ports.clock.now() };
    const sealed = await sealFor(
      network,
      { signer, rng: ports.rng, keys: this.#keys },
      about,
      bytes,
    );
    return sealed.ok ? sealed : err('no-route', sealed.code);
  }

  #hasRoomFor(author: Did): boolean {
    const working = this.#working.get(author) ?? 0;
    return working < TASK_STREAMS_MAX && this.#questions < ROUTED_QUESTIONS_MAX;
  }
}

/** Queues and shares on the way are full: what was refused now may be taken in a moment. */
function isFull(code: RouteCode): boolean {
  return code === 'busy' || code === 'over-message-rate' || code === 'over-byte-rate';
}
