/** The executor's messages: processed in order within their kind, acknowledged cumulatively. */
import {
  type ExecutorMessageType,
  executorMessages,
  isExecutorMessageType,
  type Result,
} from '@zerostate/shared';
import type { ProblemCode } from '../http/problem.ts';

export type MessageOutcome = Result<void, ProblemCode>;

/** What the edge does with each message. A refusal is a value; a database that is out of reach throws. */
export interface MessageHandler {
  handle(did: string, type: ExecutorMessageType, body: unknown): Promise<MessageOutcome>;
}

/** Messages that touch money wait for the disk; tasks must not wait behind them. */
function queueOf(type: ExecutorMessageType, body: object): 'task' | 'money' {
  // What was carried for another waits where it would have waited itself.
  const inner = type === 'mesh.answer' && 'type' in body ? String(body.type) : type;
  return inner.startsWith('task.') || inner === 'presence' ? 'task' : 'money';
}

type Queues = { task: Promise<void>; money: Promise<void> };

export class Inbound {
  readonly #handler: MessageHandler;
  readonly #did: string;
  readonly #queues: Queues = { task: Promise.resolve(), money: Promise.resolve() };
  /** Arrived and not yet processed, in order of arrival. */
  readonly #pending: { n: number; isDone: boolean }[] = [];
  #processed: number;

  constructor(handler: MessageHandler, did: string, processed: number) {
    this.#handler = handler;
    this.#did = did;
    this.#processed = processed;
  }

  get inFlight(): number {
    return this.#pending.length;
  }

  /** Highest number up to which everything that arrived is processed. */
  get processed(): number {
    return this.#processed;
  }

  /** Resolves with the refusal, or null, once the message's effects are durable. */
  async take(n: number, type: string, body: unknown): Promise<MessageOutcome> {
    const entry = { n, isDone: false };
    this.#pending.push(entry);
    const outcome = await this.#run(type, body);
    entry.isDone = true;
    while (this.#pending[0]?.isDone) {
      this.#processed = this.#pending[0].n;
      this.#pending.shift();
    }
    return outcome;
  }

  #run(type: string, body: unknown): Promise<MessageOutcome> {
    if (!isExecutorMessageType(type)) {
      return Promise.resolve({ ok: false, code: 'message-unknown', detail: type });
    }
    const parsed = executorMessages[type].safeParse(body);
    if (!parsed.success) {
      const detail = parsed.error.issues[0]?.path.map(String).join('.') ?? '$';
      return Promise.resolve({ ok: false, code: 'invalid-request', detail });
    }
    const queue = queueOf(type, parsed.data);
    const outcome = this.#queues[queue].then(() =>
      this.#handler.handle(this.#did, type, parsed.data),
    );
    this.#queues[queue] = outcome.then(
      () => undefined,
      () => undefined,
    );
    return outcome;
  }
}
