import { FRAMES_IN_FLIGHT_MAX } from '@zerostate/shared';
import type { Cancel, Clock, Rng, Timers } from '../ports.ts';
import type { Database } from '../state/database.ts';
import {
  newSession,
  type OutboxRow,
  outboxAcknowledged,
  readNode,
  readOutbox,
  restartOutbox,
} from '../state/store.ts';

/** Acknowledgements reach the disk at most this late; a crash before only repeats messages. */
const ACK_WRITE_MS = 250;
/** Refusals name a number; the messages behind the newest of them are remembered. */
const REMEMBERED_MAX = 1_024;

type OutboxOptions = {
  database: Database;
  clock: Clock;
  timers: Timers;
  rng: Rng;
  fatal: (cause: unknown) => void;
};

/** What a number stood for, when the edge refuses it. */
export type SentMessage = { type: string; ref: string };

/**
 * The node's messages on their way to the edge. They are on disk before they are sent and until
 * they are acknowledged; one session numbers them without gaps.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #remembered = new Map<number, SentMessage>();
  #acked = 0;
  #unwritten = 0;
  #timer: Cancel | null = null;
  #sent = 0;
  #transmit: ((row: OutboxRow) => void) | null = null;
  #pump: Promise<void> | null = null;
  #again: boolean;
  /** More may lie on disk than there was room for: an acknowledgement makes some. */
  #isFull: boolean;

  constructor(options: OutboxOptions) {
    this.#options = options;
    this.#again = false;
    this.#isFull = false;
  }

  /** Takes up the edge's word on what it has processed, and sends the rest through `transmit`. */
  async connect(processed: number, transmit: (row: OutboxRow) => void): Promise<void> {
    const { database } = this.#options;
    const node = await readNode(database);
    if (node !== null && processed > node.outboxN) {
      // This database is older than what the edge has seen: a copy was put back.
      const waiting = await readOutbox(database, 0, Number.MAX_SAFE_INTEGER);
      await database.write(restartOutbox(newSession(this.#options.rng), waiting));
      throw new OutboxRestarted();
    }
    this.#acked = Math.max(this.#acked, processed);
    this.#unwritten = this.#acked;
    await this.flush();
    this.#sent = processed;
    this.#transmit = transmit;
    this.kick();
  }

  disconnect(): void {
    this.#transmit = null;
  }

  /** Something was put into the outbox. */
  kick(): void {
    this.#again = true;
    if (this.#pump !== null || this.#transmit === null) return;
    this.#pump = this.#send()
      .catch(this.#options.fatal)
      .finally(() => {
        this.#pump = null;
        if (this.#again && this.#transmit !== null) this.kick();
      });
  }

  /** The edge has processed everything up to `n`. */
  acknowledged(n: number): void {
    if (n <= this.#acked) return;
    this.#acked = n;
    this.#unwritten = n;
    this.#timer ??= this.#options.timers.after(ACK_WRITE_MS, () => {
      this.flush().catch(this.#options.fatal);
    });
    if (this.#isFull) this.kick();
  }

  /** What was sent as number `n`, if it was not long ago. */
  sent(n: number): SentMessage | null {
    return this.#remembered.get(n) ?? null;
  }

  /** Puts the acknowledgements on disk. */
  async flush(): Promise<void> {
    this.#timer?.();
    this.#timer = null;
    if (this.#unwritten === 0) return;
    const n = this.#unwritten;
    this.#unwritten = 0;
    await this.#options.database.write(outboxAcknowledged(n, this.#options.clock.now()));
  }

  /** Whether everything was sent and acknowledged. */
  async isEmpty(): Promise<boolean> {
    const rows = await readOutbox(this.#options.database, this.#acked, 1);
    return rows.length === 0;
  }

  async #send(): Promise<void> {
    while (this.#again && this.#transmit !== null) {
      this.#again = false;
      const room = FRAMES_IN_FLIGHT_MAX - (this.#sent - this.#acked);
      this.#isFull = room <= 0;
      if (this.#isFull) return;
      const rows = await readOutbox(this.#options.database, this.#sent, room);
      this.#isFull = rows.length === room;
      for (const row of rows) {
        // Gone while it read: the next connection sends from what the edge has then.
        if (this.#transmit === null) return;
        this.#remember(row);
        this.#sent = row.n;
        this.#transmit(row);
      }
    }
  }

  #remember(row: OutboxRow): void {
    this.#remembered.set(row.n, { type: row.type, ref: row.ref });
    const oldest = this.#remembered.keys().next();
    if (this.#remembered.size > REMEMBERED_MAX && !oldest.done) {
      this.#remembered.delete(oldest.value);
    }
  }
}

/** The session changed: the link has to say hello again. */
export class OutboxRestarted extends Error {}
