import type { AskOptions, AskResult, Message, Reply } from '@zerostate/mesh';
import {
  type Did,
  type EdgeMessage,
  type ExecutorMessage,
  err,
  ok,
  taskReceiptSchema,
} from '@zerostate/shared';
import type { Clock, Log } from '../ports.ts';
import type { Database } from '../state/database.ts';
import { outboxInsert } from '../state/store.ts';
import type { Refusal } from '../wallet/context.ts';

/** Messages on their way for the edge at the same time: more are the edge's to keep. */
const CARRIED_MAX = 64;
/** Tasks whose results may come back through this node. */
const EXPECTED_MAX = 4_096;

export interface ForwardsOptions {
  database: Database;
  clock: Clock;
  log: Log;
  ask: (to: Did, message: Message, options: AskOptions) => Promise<AskResult>;
  kick: () => void;
  fatal: (cause: unknown) => void;
}

type Forward = EdgeMessage<'mesh.forward'>;
type Answer = ExecutorMessage<'mesh.answer'>;

interface Expected {
  /** Who was asked to run it. */
  readonly by: Did;
  /** Resolves once the answer to the offer is in the outbox, or will never be. */
  readonly answered: Promise<void>;
  /** Whether its receipt went to the edge. */
  isBrought: boolean;
}

/**
 * This node as a gateway: it takes the edge's messages to executors whose own link is down, and
 * brings back what they sign. It holds nothing that is worth anything: the edge keeps the message
 * until its receiver's link has it, the receiver keeps the answer until the edge has it.
 */
export class Forwards {
  readonly #options: ForwardsOptions;
  /** Tasks that were offered to somebody, and what became of them. */
  readonly #expected = new Map<string, Expected>();
  #carrying = 0;
  readonly #counts = { carried: 0, answered: 0, failed: 0 };

  constructor(options: ForwardsOptions) {
    this.#options = options;
  }

  status() {
    return { ...this.#counts, underWay: this.#carrying };
  }

  /** Takes a message along; returns at once, because the link's other messages wait behind it. */
  take(forward: Forward): Refusal | null {
    if (this.#carrying >= CARRIED_MAX) return { code: 'busy' };
    this.#carrying += 1;
    this.#carry(forward)
      .catch(this.#options.fatal)
      .finally(() => {
        this.#carrying -= 1;
      });
    return null;
  }

  /** A result that its executor brings because its own link is down. On disk when this resolves. */
  async bringBack(from: Did, result: ExecutorMessage<'task.result'>): Promise<Reply> {
    const receipt = taskReceiptSchema.safeParse(result.receipt.body);
    const task = receipt.success ? receipt.data.task : '';
    const expected = this.#expected.get(task);
    if (expected?.by !== from) return err('message-unexpected', 'task.result');
    // A short task ends before its accept has come: the edge takes them in their order only.
    await expected.answered;
    if (!expected.isBrought) {
      await this.#tell({ from, type: 'task.result', body: result }, task);
      expected.isBrought = true;
    }
    return ok({ message: null });
  }

  async #carry(forward: Forward): Promise<void> {
    this.#counts.carried += 1;
    const { promise: answered, resolve } = Promise.withResolvers<void>();
    if (forward.type === 'task.offer')
      this.#expect(forward.body.cond.body.task, forward.to, answered);
    try {
      await this.#ask(forward);
    } finally {
      resolve();
    }
  }

  async #ask({ to, type, body }: Forward): Promise<void> {
    const { log, ask } = this.#options;
    // Checked border: the pair of type and body was parsed as one member of the union.
    const answer = await ask(to, { type, body } as Message, {});
    if (!answer.ok) {
      this.#counts.failed += 1;
      log.info('not carried', { to, type, code: answer.code, detail: answer.detail });
      return;
    }
    const said = signedAnswer(to, answer.value.message);
    if (said !== null) await this.#tell(said, to);
  }

  #expect(task: unknown, by: Did, answered: Promise<void>): void {
    if (typeof task !== 'string') return;
    this.#expected.delete(task);
    this.#expected.set(task, { by, answered, isBrought: false });
    const oldest = this.#expected.keys().next();
    if (this.#expected.size > EXPECTED_MAX && oldest.done !== true) {
      this.#expected.delete(oldest.value);
    }
  }

  async #tell(answer: Answer, ref: string): Promise<void> {
    const { database, clock, kick } = this.#options;
    this.#counts.answered += 1;
    await database.write(outboxInsert({ type: 'mesh.answer', ref, body: answer }, clock.now()));
    kick();
  }
}

/** What the edge can check by its signature; a rejection waits for the executor's own link. */
function signedAnswer(from: Did, message: Message | null): Answer | null {
  switch (message?.type) {
    case 'task.accept':
      return { from, type: message.type, body: message.body };
    case 'task.result':
      return { from, type: message.type, body: message.body };
    case 'channel.accept':
      return { from, type: message.type, body: message.body };
    default:
      return null;
  }
}
