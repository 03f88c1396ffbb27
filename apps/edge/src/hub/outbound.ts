/** Sends what lies in the outboxes above what was sent, at most 64 messages ahead of their acks. */
import { FRAMES_IN_FLIGHT_MAX, type OutboxDatabase } from '@zerostate/shared';
import type { Database } from '../ports.ts';
import { inFlight, type LinkState } from './link-state.ts';
import { outboxRead } from './outbox.ts';

export type OutboundDeps = Record<OutboxDatabase, Database>;

/** Made for a link that has something to send, and let go when it has nothing: most are idle. */
export class Outbound {
  readonly #databases: OutboundDeps;
  readonly #link: LinkState;
  readonly #socket: { send(text: string): void };
  /** One reader for each outbox; a wake during its read makes it look once more. */
  readonly #busy: Record<OutboxDatabase, 'idle' | 'reading' | 'again'> = {
    ledger: 'idle',
    directory: 'idle',
  };

  constructor(databases: OutboundDeps, link: LinkState, socket: { send(text: string): void }) {
    this.#databases = databases;
    this.#link = link;
    this.#socket = socket;
  }

  get isIdle(): boolean {
    return this.#busy.ledger === 'idle' && this.#busy.directory === 'idle';
  }

  /** Looks into one outbox and sends. Throws when the database is out of reach. */
  async pump(name: OutboxDatabase): Promise<void> {
    if (this.#busy[name] !== 'idle') {
      this.#busy[name] = 'again';
      return;
    }
    try {
      do {
        this.#busy[name] = 'reading';
        await this.#sendNext(name);
      } while (this.#isAgain(name));
    } finally {
      this.#busy[name] = 'idle';
    }
  }

  /** Read through a method: a wake may have changed it while the database answered. */
  #isAgain(name: OutboxDatabase): boolean {
    return this.#busy[name] === 'again' && this.#link.phase === 'open';
  }

  async #sendNext(name: OutboxDatabase): Promise<void> {
    const room = FRAMES_IN_FLIGHT_MAX - inFlight(this.#link);
    if (room <= 0) return;
    const rows = await outboxRead(
      this.#databases[name],
      this.#link.did,
      this.#link.sent[name],
      room,
    );
    for (const { seq, type, body } of rows) {
      // The other outbox may have taken the room meanwhile: what is left is sent after an ack.
      if (this.#link.phase !== 'open' || inFlight(this.#link) >= FRAMES_IN_FLIGHT_MAX) return;
      this.#link.sent[name] = seq;
      // `body` is JSON text of this edge's own making.
      this.#socket.send(`{"t":"msg","db":"${name}","seq":${seq},"type":"${type}","body":${body}}`);
    }
  }
}

/** Takes a cumulative acknowledgement; false when it names what was never sent. */
export function acknowledge(link: LinkState, name: OutboxDatabase, seq: number): boolean {
  if (seq > link.sent[name]) return false;
  if (seq > link.acked[name]) link.acked[name] = seq;
  return true;
}
