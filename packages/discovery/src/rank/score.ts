import type { SearchWeights, Signal } from '../query.ts';

/** How well words and meaning fit, before their weights. */
export interface MatchParts {
  /** BM25 over the pool's best, 0 to 1. */
  readonly lexical: number;
  /** Cosine of card and query, -1 to 1. */
  readonly vector: number;
  /**
   * Cosine of card and query under the semantic embedder, -1 to 1; for a card without a semantic
   * vector what is expected of it (see `SemanticGap`). Undefined in a ranking without meaning.
   */
  readonly semantic: number | undefined;
}

/** What else is known of a card and its publisher, before its weights. */
export interface SignalParts {
  /** The publisher's score, 0 to 1. */
  readonly reputation: number;
  /** The pool's cheapest reference price over this card's, 0 to 1. */
  readonly price: number;
  /** 1 online, 0 not. */
  readonly presence: number;
}

/** The parts of a score, before their weights. */
export type ScoreParts = MatchParts & SignalParts;

/** The weighted match: what the other parts can only move by their small weights. */
export function matchScore(parts: MatchParts, weights: SearchWeights): number {
  const { lexical, vector, semantic } = parts;
  const { vector: a, semantic: s } = weights;
  const side = semantic === undefined ? vector : (1 - s) * vector + s * semantic;
  return (1 - a) * lexical + a * side;
}

/** What reputation, price and presence add to a match; weights and parts are never negative. */
export function boost(parts: SignalParts, weights: SearchWeights): number {
  return (
    weights.reputation * parts.reputation +
    weights.price * parts.price +
    weights.presence * parts.presence
  );
}

/** At least what `boost` can give. */
export function boostMax({ reputation, price, presence }: SearchWeights): number {
  const rounding = 1e-9;
  return reputation + price + presence + rounding;
}

/** `priceMin` is the cheapest of the candidates. */
export function signalParts(signal: Signal, price: number, priceMin: number): SignalParts {
  return {
    reputation: Math.min(Math.max(signal.score, 0), 1),
    price: (priceMin + 1) / (price + 1),
    presence: signal.online ? 1 : 0,
  };
}

/** Sums of a pool's gaps in this unit stay below 2^53. */
const GAP_UNIT = 2 ** 40;

/**
 * How much higher the semantic cosine of a card is than its n-gram cosine, on average over the
 * candidates that words or n-grams found and that have both. A card whose semantic vector is not
 * known yet is given its n-gram cosine plus this gap: the two cosines have different ranges, so
 * without the gap new cards would fall behind (or, where it is negative, jump ahead) for no reason
 * of theirs. Candidates that only meaning found do not count: they were chosen for a high value,
 * and a card without a vector cannot have been.
 */
export class SemanticGap {
  #sum = 0;
  #count = 0;

  clear(): void {
    this.#sum = 0;
    this.#count = 0;
  }

  /** Takes a candidate into account, unless its semantic cosine is NaN: not known. */
  add(vector: number, semantic: number): void {
    if (Number.isNaN(semantic)) return;
    // Whole numbers add up to the same sum in any order, so every index expects the same.
    this.#sum += Math.round((semantic - vector) * GAP_UNIT);
    this.#count += 1;
  }

  /** The semantic cosine of a card, or what to expect of one with this n-gram cosine. */
  fill(vector: number, semantic: number): number {
    if (!Number.isNaN(semantic)) return semantic;
    const gap = this.#count === 0 ? 0 : this.#sum / (this.#count * GAP_UNIT);
    return Math.min(Math.max(vector + gap, -1), 1);
  }
}
