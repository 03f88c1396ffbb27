import type { CardRecord, Did, Envelope } from '@zerostate/shared';
import { RECORDS_KEPT_MAX, RECORDS_PER_DID_KEPT_MAX } from '../limits.ts';
import type { VerifiedCard } from './verify-chain.ts';

/** Two records of one author with one number: the author signed both, one of them is a lie. */
export interface Equivocation {
  did: Did;
  agent: string;
  seq: string;
  records: [Envelope<CardRecord>, Envelope<CardRecord>];
}

/** Equivocations kept: one of each author is enough to know what it is worth. */
const EQUIVOCATIONS_MAX = 1_024;

/** The newest verified card of each agent that this node came across. */
export class CardBook {
  readonly #cards = new Map<Did, Map<string, VerifiedCard>>();
  readonly #equivocations = new Map<Did, Equivocation>();
  #size: number;

  constructor() {
    this.#size = 0;
  }

  get size(): number {
    return this.#size;
  }

  record(did: Did, agent: string): CardRecord | null {
    return this.#cards.get(did)?.get(agent)?.body ?? null;
  }

  card(did: Did, agent: string): VerifiedCard | null {
    return this.#cards.get(did)?.get(agent) ?? null;
  }

  cardsOf(did: Did): VerifiedCard[] {
    return [...(this.#cards.get(did)?.values() ?? [])];
  }

  all(): VerifiedCard[] {
    return [...this.#cards.values()].flatMap((agents) => [...agents.values()]);
  }

  /** Keeps a card that passed the chain. */
  keep(verified: VerifiedCard): void {
    const { did, agent } = verified.body;
    const agents = this.#cards.get(did) ?? new Map<string, VerifiedCard>();
    if (!agents.has(agent)) {
      // An author past its number gets no more room; it has more agents than an edge takes.
      if (agents.size >= RECORDS_PER_DID_KEPT_MAX) return;
      this.#size += 1;
    }
    agents.set(agent, verified);
    // The author heard of last is forgotten last.
    this.#cards.delete(did);
    this.#cards.set(did, agents);
    if (this.#size > RECORDS_KEPT_MAX) this.#forgetOldest();
  }

  /** Keeps the proof that an author signed two records with one number. */
  keepEquivocation(second: Envelope<CardRecord>): void {
    const { did, agent, seq } = second.body;
    const first = this.card(did, agent)?.record;
    if (first === undefined || this.#equivocations.has(did)) return;
    if (this.#equivocations.size >= EQUIVOCATIONS_MAX) return;
    this.#equivocations.set(did, { did, agent, seq, records: [first, second] });
  }

  equivocations(): Equivocation[] {
    return [...this.#equivocations.values()];
  }

  #forgetOldest(): void {
    const oldest = this.#cards.entries().next();
    if (oldest.done === true) return;
    const [did, agents] = oldest.value;
    this.#cards.delete(did);
    this.#size -= agents.size;
  }
}
