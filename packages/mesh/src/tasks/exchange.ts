import {
  concat,
  type Did,
  digestSha256,
  encodeBase64url,
  err,
  ok,
  type Result,
  sha256Base64url,
} from '@zerostate/shared';
import type { Counters } from '../counters.ts';
import { deadline } from '../deadline.ts';
import type { RouteCode } from '../envelopes/hop.ts';
import { encodeFrame, type FrameCode, FrameReader } from '../frames.ts';
import {
  CHUNK_BYTES,
  TASK_EXCHANGE_MS,
  TASK_EXCHANGE_MS_MAX,
  TASK_HEAD_BYTES_MAX,
  TASK_STREAMS_MAX,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { OpenCode, PeerStream, StreamCode, Wire } from '../ports.ts';
import { PeerAccounts } from './accounts.ts';
import { Dedup } from './dedup.ts';
import {
  type Answer,
  type Ask,
  classOf,
  decodeAnswer,
  decodeAsk,
  encodeAnswer,
  encodeAsk,
  type Message,
  type MessageCode,
  type QosClass,
} from './message.ts';
import { Turns } from './turns.ts';

export const TASK_PROTOCOL = '/zerostate/task/1.0.0';

/** A question as its handler sees it. The connection proves `from`. */
export interface Question {
  from: Did;
  key: string;
  message: Message;
  body: Uint8Array;
  /** Aborts when the asker no longer waits. */
  signal: AbortSignal;
}

/** An answer with the bytes that follow it. `null` message: taken, nothing to say. */
export type Reply = Result<{ message: Message | null; body?: Uint8Array }, string>;

export type AskOptions = {
  /** The same key is the same question; 16 random bytes when absent. */
  key?: string;
  body?: Uint8Array;
  withinMs?: number;
};

export type AskCode = OpenCode | FrameCode | MessageCode | RouteCode | 'refused';

export interface Answered {
  message: Message | null;
  body: Uint8Array;
}

/** What a refusal says: the other side's code, and when to come again (0: no use). */
export interface Refusal {
  code: string;
  detail: string;
  retryMs: number;
}

export type AskResult =
  | { ok: true; value: Answered }
  | { ok: false; code: AskCode; detail?: string; refusal?: Refusal };

/** An answer as one piece of bytes, for an envelope. */
export interface Whole {
  qos: QosClass;
  bytes: Uint8Array;
}

interface Kept {
  answer: Answer;
  body: Uint8Array;
}

const NOTHING = new Uint8Array(0);

/** Questions and answers between nodes: deduplicated, metered, in two classes, with deadlines. */
export class Exchange {
  readonly #wire: Wire;
  readonly #ports: MeshPorts;
  readonly #counters: Counters;
  readonly #dedup: Dedup<Kept>;
  readonly #turns = new Map<Did, Turns>();
  readonly #handlers = new Map<Message['type'], (question: Question) => Promise<Reply>>();
  readonly accounts: PeerAccounts;

  constructor(wire: Wire, ports: MeshPorts, counters: Counters) {
    this.#wire = wire;
    this.#ports = ports;
    this.#counters = counters;
    this.accounts = new PeerAccounts(ports.clock);
    this.#dedup = new Dedup(ports.clock, ({ body }) => body.length + 512);
  }

  async start(): Promise<void> {
    await this.#wire.handle(TASK_PROTOCOL, TASK_STREAMS_MAX, (stream) => this.#serve(stream));
  }

  /** Answers questions of one type. */
  handle(type: Message['type'], handler: (question: Question) => Promise<Reply>): void {
    this.#handlers.set(type, handler);
  }

  /** Asks a peer and waits for its one answer. */
  async ask(to: Did, message: Message, options: AskOptions = {}): Promise<AskResult> {
    const withinMs = Math.min(options.withinMs ?? TASK_EXCHANGE_MS, TASK_EXCHANGE_MS_MAX);
    const { signal, cancel } = deadline(this.#ports.timers, withinMs);
    const body = options.body ?? NOTHING;
    const key = options.key ?? encodeBase64url(this.#ports.rng.bytes(16));
    try {
      const opened = await this.#wire.open(to, TASK_PROTOCOL, signal);
      if (!opened.ok) return opened;
      const stream = opened.value;
      const head = encodeAsk({ key, message, bytes: body.length, within_ms: withinMs });
      const qos = classOf(message, body.length);
      const written = await this.#write(stream, qos, head, body, signal);
      // A peer may refuse before it has read everything: its answer says why.
      const answered = await this.#readAnswer(stream, signal);
      if (!answered.ok && answered.code !== 'refused') {
        stream.abort(answered.code);
        return written.ok ? answered : { ...answered, code: written.code };
      }
      return answered;
    } finally {
      cancel();
    }
  }

  async #readAnswer(stream: PeerStream, signal: AbortSignal): Promise<AskResult> {
    const reader = new FrameReader(stream);
    const frame = await reader.frame(TASK_HEAD_BYTES_MAX, signal);
    if (!frame.ok) return frame;
    return resultOf(frame.value, (bytes) => readBody(reader, bytes, signal));
  }

  async #serve(stream: PeerStream): Promise<void> {
    const limit = deadline(this.#ports.timers, TASK_EXCHANGE_MS);
    const reader = new FrameReader(stream);
    const frame = await reader.frame(TASK_HEAD_BYTES_MAX, limit.signal);
    limit.cancel();
    if (!frame.ok) return this.#drop(stream, frame.code);
    const ask = decodeAsk(frame.value);
    const within = deadline(this.#ports.timers, ask.ok ? ask.value.within_ms : TASK_EXCHANGE_MS);
    try {
      if (!ask.ok) {
        const { answer } = this.#refusal(ask.code, ask.detail ?? '');
        await this.#write(stream, 'control', encodeAnswer(answer), NOTHING, within.signal);
      } else await this.#admit(stream, reader, ask.value, frame.value, within.signal);
    } finally {
      within.cancel();
    }
  }

  async #admit(
    stream: PeerStream,
    reader: FrameReader,
    ask: Ask,
    head: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const read = () => readBody(reader, ask.bytes, signal);
    const kept = await this.#take(stream.peer, ask, head, read, signal);
    if (!kept.ok) return this.#drop(stream, kept.code);
    const { answer, body } = kept.value;
    const answerClass = body.length > 0 ? 'bulk' : 'control';
    await this.#write(stream, answerClass, encodeAnswer(answer), body, signal);
  }

  /**
   * Takes a question that came whole in an envelope, as one that came on a stream: the same
   * handlers, buckets and memory. `from` is the proven author of the envelope.
   */
  async takeWhole(from: Did, question: Uint8Array, signal: AbortSignal): Promise<Whole> {
    const [head, body] = splitWhole(question);
    const ask = decodeAsk(head);
    if (!ask.ok) return this.#whole(from, this.#refusal(ask.code, ask.detail ?? ''));
    if (ask.value.bytes !== body.length) {
      return this.#whole(from, this.#refusal('message-invalid', 'bytes'));
    }
    const kept = await this.#take(from, ask.value, head, async () => ok(body), signal);
    return this.#whole(from, kept.ok ? kept.value : this.#refusal(kept.code, ''));
  }

  #whole(from: Did, { answer, body }: Kept): Whole {
    const qos = body.length > 0 ? 'bulk' : 'control';
    const bytes = concat(encodeFrame(encodeAnswer(answer)), body);
    this.accounts.sent(from, qos, bytes.length);
    return { qos, bytes };
  }

  /** Admits a question, reads what belongs to it and answers it once. */
  async #take(
    from: Did,
    ask: Ask,
    head: Uint8Array,
    read: () => Promise<Result<Uint8Array, FrameCode>>,
    signal: AbortSignal,
  ): Promise<Result<Kept, FrameCode>> {
    const qos = classOf(ask.message, ask.bytes);
    const admitted = this.accounts.admit(from, qos, head.length + ask.bytes);
    if (!admitted.ok) return ok(this.#refusal(admitted.code, '', Number(admitted.detail)));
    const body = await read();
    if (!body.ok) return body;
    // Asked again, by another way or with less time left, it is still the same question.
    const asked = encodeAsk({ ...ask, within_ms: 0 });
    const fingerprint = sha256Base64url(asked) + (await digestSha256(body.value));
    const once = this.#dedup.once(`${from} ${ask.key}`, fingerprint, () =>
      this.#answer(from, ask, body.value, signal),
    );
    if (once.kind === 'key-reused') return ok(this.#refusal(once.kind, ask.key));
    if (once.kind === 'repeated') this.#counters.add('tasks-repeated');
    const kept = await once.answer.catch(() => null);
    return ok(kept ?? this.#refusal('internal', ''));
  }

  async #answer(from: Did, ask: Ask, body: Uint8Array, signal: AbortSignal): Promise<Kept> {
    const { key, message } = ask;
    const handler = this.#handlers.get(message.type);
    if (handler === undefined) return refusal('message-unexpected', message.type);
    let reply: Reply;
    try {
      reply = await handler({ from, key, message, body, signal });
    } catch (cause) {
      const detail = cause instanceof Error ? cause.message : String(cause);
      this.#ports.log.error('question failed', { from, type: message.type, detail });
      throw cause;
    }
    if (!reply.ok) return refusal(reply.code, reply.detail ?? '');
    const { message: said, body: bytes = NOTHING } = reply.value;
    const answer: Answer =
      said === null
        ? { kind: 'ack', bytes: bytes.length }
        : { kind: 'message', message: said, bytes: bytes.length };
    return { answer, body: bytes };
  }

  #refusal(code: string, detail: string, waitMs = 0): Kept {
    this.#counters.add(`tasks-${code}`);
    const retry_ms = Number.isFinite(waitMs) ? waitMs : 0;
    return { answer: { kind: 'error', code, detail, retry_ms }, body: NOTHING };
  }

  #drop(stream: PeerStream, code: string): void {
    this.#counters.add(`tasks-${code}`);
    stream.abort(code);
  }

  /** Writes a frame and its bytes in pieces, each in its turn. */
  async #write(
    stream: PeerStream,
    qos: QosClass,
    head: Uint8Array,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<Result<void, StreamCode>> {
    const turns = this.#turns.get(stream.peer) ?? new Turns();
    this.#turns.set(stream.peer, turns);
    try {
      const begun = await turns.take(qos, () => stream.write(encodeFrame(head), signal));
      if (!begun.ok) return begun;
      for (let at = 0; at < body.length; at += CHUNK_BYTES) {
        const piece = body.subarray(at, at + CHUNK_BYTES);
        const written = await turns.take(qos, () => stream.write(piece, signal));
        if (!written.ok) return written;
      }
      this.accounts.sent(stream.peer, qos, head.length + body.length);
      return stream.end(signal);
    } finally {
      if (turns.isIdle) this.#turns.delete(stream.peer);
    }
  }
}

function refusal(code: string, detail: string): Kept {
  return { answer: { kind: 'error', code, detail, retry_ms: 0 }, body: NOTHING };
}

/** A question as one piece of bytes: what a task stream would carry, `within_ms` and all. */
export function wholeQuestion(
  message: Message,
  key: string,
  body: Uint8Array,
  withinMs: number,
): Whole {
  const head = encodeAsk({ key, message, bytes: body.length, within_ms: withinMs });
  return { qos: classOf(message, body.length), bytes: concat(encodeFrame(head), body) };
}

/** What an answer in one piece says to the asker. */
export function readWholeAnswer(bytes: Uint8Array): Promise<AskResult> {
  const [head, body] = splitWhole(bytes);
  return resultOf(head, async (length) =>
    length === body.length ? ok(body) : err('message-invalid', 'bytes'),
  );
}

/** The frame at the beginning, empty if there is none, and what follows it. */
function splitWhole(bytes: Uint8Array): [head: Uint8Array, body: Uint8Array] {
  if (bytes.length < 4) return [NOTHING, NOTHING];
  const end = 4 + new DataView(bytes.buffer, bytes.byteOffset).getUint32(0);
  return end > bytes.length ? [NOTHING, NOTHING] : [bytes.subarray(4, end), bytes.subarray(end)];
}

async function resultOf(
  frame: Uint8Array,
  read: (length: number) => Promise<Result<Uint8Array, FrameCode | MessageCode>>,
): Promise<AskResult> {
  const answer = decodeAnswer(frame);
  if (!answer.ok) return answer;
  if (answer.value.kind === 'error') {
    const { code, detail, retry_ms: retryMs } = answer.value;
    return { ok: false, code: 'refused', detail: code, refusal: { code, detail, retryMs } };
  }
  const body = await read(answer.value.bytes);
  if (!body.ok) return body;
  const message = answer.value.kind === 'message' ? answer.value.message : null;
  return ok({ message, body: body.value });
}

async function readBody(
  reader: FrameReader,
  length: number,
  signal: AbortSignal,
): Promise<Result<Uint8Array, FrameCode>> {
  const body = new Uint8Array(length);
  let at = 0;
  while (at < length) {
    const part = await reader.some(length - at, signal);
    if (!part.ok) return part;
    if (part.value === null) return err('stream-ended', `${at} of ${length} bytes`);
    body.set(part.value, at);
    at += part.value.length;
  }
  return ok(body);
}
