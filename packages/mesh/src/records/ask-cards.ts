import { type Did, err, ok, type Result } from '@zerostate/shared';
import { deadline } from '../deadline.ts';
import { encodeFrame, type FrameCode, FrameReader } from '../frames.ts';
import { RECORD_BYTES_MAX, RECORDS_PER_DID_KEPT_MAX, TASK_EXCHANGE_MS } from '../limits.ts';
import type { OpenCode, PeerStream, Wire } from '../ports.ts';
import { encodeCard } from './card-value.ts';
import { admitCard, type Cards, type CardsContext } from './cards.ts';
import type { VerifiedCard } from './verify-chain.ts';

export const CARDS_PROTOCOL = '/zerostate/cards/1.0.0';
const CARDS_STREAMS_MAX = 4;

/** Asking a node for its own cards, once its DID is known: one frame a card, then the end. */
export class CardAsking {
  readonly #wire: Wire;
  readonly #cards: Cards;
  readonly #context: CardsContext;

  constructor(wire: Wire, cards: Cards, context: CardsContext) {
    this.#wire = wire;
    this.#cards = cards;
    this.#context = context;
  }

  async start(): Promise<void> {
    await this.#wire.handle(CARDS_PROTOCOL, CARDS_STREAMS_MAX, (stream) => this.#tell(stream));
  }

  /** The cards of a node that it signed itself; those that fail the chain are left out. */
  async ask(did: Did): Promise<Result<VerifiedCard[], OpenCode | FrameCode>> {
    const { signal, cancel } = deadline(this.#context.ports.timers, TASK_EXCHANGE_MS);
    try {
      const opened = await this.#wire.open(did, CARDS_PROTOCOL, signal);
      if (!opened.ok) return opened;
      const cards = await this.#read(opened.value, signal);
      if (!cards.ok) opened.value.abort(cards.code);
      else void opened.value.end(signal);
      return cards;
    } finally {
      cancel();
    }
  }

  async #read(stream: PeerStream, signal: AbortSignal): Promise<Result<VerifiedCard[], FrameCode>> {
    const reader = new FrameReader(stream);
    const cards: VerifiedCard[] = [];
    for (let count = 0; count < RECORDS_PER_DID_KEPT_MAX; count++) {
      const frame = await reader.frame(RECORD_BYTES_MAX, signal);
      if (!frame.ok && frame.code === 'stream-ended') break;
      if (!frame.ok) return err(frame.code, frame.detail);
      const admitted = await admitCard(this.#context, frame.value, null);
      if (!admitted.ok || admitted.value.body.did !== stream.peer) continue;
      this.#context.book.keep(admitted.value);
      cards.push(admitted.value);
    }
    return ok(cards);
  }

  async #tell(stream: PeerStream): Promise<void> {
    const { signal, cancel } = deadline(this.#context.ports.timers, TASK_EXCHANGE_MS);
    for (const card of this.#cards.own()) {
      const { record, card: document } = card;
      const written = await stream.write(
        encodeFrame(encodeCard({ record, card: document })),
        signal,
      );
      if (!written.ok) break;
    }
    await stream.end(signal);
    cancel();
  }
}
