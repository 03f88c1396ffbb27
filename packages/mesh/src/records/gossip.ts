import { type Did, sha256Base64url } from '@zerostate/shared';
import {
  ACCOUNTS_MAX,
  GOSSIP_PER_AUTHOR_BURST,
  GOSSIP_PER_AUTHOR_PER_S,
  RECORDS_KEPT_MAX,
} from '../limits.ts';
import type { Gossip, Verdict } from '../ports.ts';
import { Bucket } from '../tasks/bucket.ts';
import { encodeCard, type SignedCard } from './card-value.ts';
import { admitCard, type CardsContext } from './cards.ts';
import { decodePresence, encodePresence, type Load, type Presences } from './presence.ts';
import type { ChainCode } from './verify-chain.ts';

/** A record that was good once, or will be, is nobody's fault: it is dropped without blame. */
const BLAMELESS: ReadonlySet<ChainCode | string> = new Set([
  'freshness-stale',
  'freshness-expired',
  'freshness-future',
]);

/** Card updates and presence, spread from node to node; each node checks before it passes on. */
export class CardGossip {
  readonly #gossip: Gossip;
  readonly #context: CardsContext;
  readonly #presences: Presences;
  readonly #buckets = new Map<Did, Bucket>();
  /** Hashes of the cards that were gossiped here. */
  readonly #told = new Set<string>();
  readonly #cardTopic: string;
  readonly #presenceTopic: string;

  constructor(gossip: Gossip, context: CardsContext, presences: Presences) {
    this.#gossip = gossip;
    this.#context = context;
    this.#presences = presences;
    this.#cardTopic = `zerostate/${context.network}/cards/1`;
    this.#presenceTopic = `zerostate/${context.network}/presence/1`;
  }

  start(): void {
    this.#gossip.subscribe(this.#cardTopic, (from, data) => this.#card(from, data));
    this.#gossip.subscribe(this.#presenceTopic, async (from, data) => this.#presence(from, data));
  }

  tellCard(signed: SignedCard): Promise<number> {
    return this.#gossip.publish(this.#cardTopic, encodeCard(signed));
  }

  tellPresence(load: Load): Promise<number> {
    const now = this.#context.ports.clock.now();
    return this.#gossip.publish(this.#presenceTopic, encodePresence(load, now));
  }

  /** Peers that listen for cards; a card told to nobody has to be told again. */
  listeners(): number {
    return this.#gossip.subscribers(this.#cardTopic).length;
  }

  async #card(from: Did, data: Uint8Array): Promise<Verdict> {
    if (!this.#admits(from)) return 'ignore';
    const admitted = await admitCard(this.#context, data, null);
    // What this node has from the table is news to its neighbours: a card counts as told once it
    // was gossiped here. A proof of equivocation is passed on, too, and once.
    const isEquivocation = !admitted.ok && admitted.code === 'freshness-equivocation';
    if ((admitted.ok || isEquivocation) && !this.#isFirst(data)) {
      this.#context.counters.add('gossip-repeated');
      return 'ignore';
    }
    if (admitted.ok) {
      this.#context.book.keep(admitted.value);
      this.#context.counters.add('gossip-cards');
      return 'accept';
    }
    if (isEquivocation) return 'accept';
    if (BLAMELESS.has(admitted.code)) return 'ignore';
    this.#context.counters.add('gossip-rejected');
    return 'reject';
  }

  #presence(from: Did, data: Uint8Array): Verdict {
    if (!this.#admits(from)) return 'ignore';
    const presence = decodePresence(data, this.#context.ports.clock.now());
    if (presence === null) {
      this.#context.counters.add('gossip-rejected');
      return 'reject';
    }
    return this.#presences.heard(from, presence.at, presence.load) ? 'accept' : 'ignore';
  }

  /** Whether a card comes by gossip for the first time, whoever signed the message around it. */
  #isFirst(data: Uint8Array): boolean {
    const hash = sha256Base64url(data);
    if (this.#told.has(hash)) return false;
    this.#told.add(hash);
    if (this.#told.size > RECORDS_KEPT_MAX) {
      const oldest = this.#told.values().next();
      if (oldest.done !== true) this.#told.delete(oldest.value);
    }
    return true;
  }

  /** Checking costs two signatures: each author may have so many checked. */
  #admits(author: Did): boolean {
    const bucket =
      this.#buckets.get(author) ??
      new Bucket(this.#context.ports.clock, GOSSIP_PER_AUTHOR_PER_S, GOSSIP_PER_AUTHOR_BURST);
    this.#buckets.delete(author);
    this.#buckets.set(author, bucket);
    if (this.#buckets.size > ACCOUNTS_MAX) {
      const oldest = this.#buckets.keys().next();
      if (oldest.done !== true) this.#buckets.delete(oldest.value);
    }
    if (bucket.take(1)) return true;
    this.#context.counters.add('gossip-over-rate');
    return false;
  }
}
