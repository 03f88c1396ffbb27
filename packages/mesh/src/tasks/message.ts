/**
 * Messages between nodes: the catalogue of packages/shared, in both directions, as questions that
 * get one answer each.
 */
import {
  type EdgeMessage,
  type EdgeMessageType,
  type ExecutorMessage,
  type ExecutorMessageType,
  edgeMessages,
  err,
  executorMessages,
  fromUtf8,
  isEdgeMessageType,
  isExecutorMessageType,
  ok,
  parseJson,
  type Result,
  utf8,
} from '@zerostate/shared';
import { TASK_BODY_BYTES_MAX, TASK_EXCHANGE_MS_MAX } from '../limits.ts';

/** What a node sends another: what an edge would have told it, or what it would tell an edge. */
export type Message =
  | { [T in EdgeMessageType]: { type: T; body: EdgeMessage<T> } }[EdgeMessageType]
  | { [T in ExecutorMessageType]: { type: T; body: ExecutorMessage<T> } }[ExecutorMessageType];

/** Control and payment go before bulk. */
export type QosClass = 'control' | 'bulk';

/** First frame of a stream. */
export interface Ask {
  /** 16 random bytes or the id of what is asked for: the same key is the same question. */
  key: string;
  message: Message;
  /** Bytes that follow the frame. */
  bytes: number;
  /** How long the asker waits, ms. */
  within_ms: number;
}

/** First frame back. `ack`: taken, nothing to say. */
export type Answer =
  | { kind: 'ack'; bytes: number }
  | { kind: 'message'; message: Message; bytes: number }
  | { kind: 'error'; code: string; detail: string; retry_ms: number };

export type MessageCode = 'message-invalid' | 'message-unknown';

export function encodeAsk({ key, message, bytes, within_ms }: Ask): Uint8Array {
  return utf8(JSON.stringify({ key, type: message.type, body: message.body, bytes, within_ms }));
}

export function decodeAsk(frame: Uint8Array): Result<Ask, MessageCode> {
  const read = objectOf(frame);
  if (!read.ok) return read;
  const { key, type, body, bytes, within_ms: withinMs } = read.value;
  if (typeof key !== 'string' || !/^[A-Za-z0-9_-]{22,43}$/.test(key)) {
    return err('message-invalid', 'key');
  }
  if (!isCount(bytes, TASK_BODY_BYTES_MAX)) return err('message-invalid', 'bytes');
  if (!isCount(withinMs, TASK_EXCHANGE_MS_MAX) || withinMs === 0) {
    return err('message-invalid', 'within_ms');
  }
  const message = readMessage(type, body);
  return message.ok ? ok({ key, message: message.value, bytes, within_ms: withinMs }) : message;
}

export function encodeAnswer(answer: Answer): Uint8Array {
  if (answer.kind !== 'message') return utf8(JSON.stringify(answer));
  const { type, body } = answer.message;
  return utf8(JSON.stringify({ kind: 'message', type, body, bytes: answer.bytes }));
}

export function decodeAnswer(frame: Uint8Array): Result<Answer, MessageCode> {
  const read = objectOf(frame);
  if (!read.ok) return read;
  const { kind, type, body, bytes, code, detail, retry_ms: retryMs } = read.value;
  if (kind === 'error') {
    if (typeof code !== 'string' || !/^[a-z0-9][a-z0-9:-]{0,63}$/.test(code)) {
      return err('message-invalid', 'code');
    }
    const said = typeof detail === 'string' ? detail.slice(0, 1024) : '';
    const retry_ms = isCount(retryMs, 86_400_000) ? retryMs : 0;
    return ok({ kind, code, detail: said, retry_ms });
  }
  if (!isCount(bytes, TASK_BODY_BYTES_MAX)) return err('message-invalid', 'bytes');
  if (kind === 'ack') return ok({ kind, bytes });
  if (kind !== 'message') return err('message-invalid', 'kind');
  const message = readMessage(type, body);
  return message.ok ? ok({ kind, message: message.value, bytes }) : message;
}

/** The class a message travels in: only what carries inputs and outputs is bulk. */
export function classOf(message: Message, bytes: number): QosClass {
  if (bytes > 0) return 'bulk';
  return message.type === 'task.offer' || message.type === 'card.publish' ? 'bulk' : 'control';
}

function readMessage(type: unknown, body: unknown): Result<Message, MessageCode> {
  if (typeof type !== 'string') return err('message-invalid', 'type');
  if (isEdgeMessageType(type)) return edgeMessage(type, body);
  if (isExecutorMessageType(type)) return executorMessage(type, body);
  return err('message-unknown', type.slice(0, 64));
}

function edgeMessage<T extends EdgeMessageType>(type: T, body: unknown) {
  const parsed = edgeMessages[type].safeParse(body);
  if (!parsed.success) return err('message-invalid', fieldOf(type, parsed.error.issues));
  // The schema was picked by the type: the pair is one member of the union.
  return ok({ type, body: parsed.data } as Message);
}

function executorMessage<T extends ExecutorMessageType>(type: T, body: unknown) {
  const parsed = executorMessages[type].safeParse(body);
  if (!parsed.success) return err('message-invalid', fieldOf(type, parsed.error.issues));
  return ok({ type, body: parsed.data } as Message);
}

function fieldOf(type: string, issues: readonly { path: readonly PropertyKey[] }[]): string {
  return [type, ...(issues[0]?.path ?? [])].map(String).join('.');
}

function objectOf(frame: Uint8Array): Result<Record<string, unknown>, MessageCode> {
  const text = fromUtf8(frame);
  if (!text.ok) return err('message-invalid', 'utf-8');
  const json = parseJson(text.value);
  if (!json.ok) return err('message-invalid', json.code);
  return isRecord(json.value) ? ok(json.value) : err('message-invalid', 'not an object');
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}
