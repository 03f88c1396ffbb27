import type { SearchWeights, Signal } from '../query.ts';

/** The parts of a score, before their weights. */
export interface ScoreParts {
  /** BM25 over the pool's best, 0 to 1. */
  readonly lexical: number;
  /** Cosine of card and query, -1 to 1. */
  readonly vector: number;
  /**
   * Cosine of card and query under the semantic embedder, -1 to 1; for a card without a semantic
   * vector what is expected of it (see `SemanticGap`). Absent in a ranking without meaning.
   */
  readonly semantic?: number;
  /** The publisher's score, 0 to 1. */
  readonly reputation: number;
  /** The pool's cheapest reference price over this card's, 0 to 1. */
  readonly price: number;
  /** 1 online, 0 not. */
  readonly presence: number;
}

/** How well words and meaning fit: what the other parts can only move by their small weights. */
export function matchScore(parts: ScoreParts, weights: SearchWeights): number {
  const { lexical, vector, semantic } = parts;
  const { vector: a, semantic: s } = weights;
  const side = semantic === undefined ? vector : (1 - s) * vector + s * semantic;
  return (1 - a) * lexical + a * side;
}

/** `matchScore` plus the weighted reputation, price and presence. */
export function totalScore(parts: ScoreParts, weights: SearchWeights): number {
  return (
    matchScore(parts, weights) +
    weights.reputation * parts.reputation +
    weights.price * parts.price +
    weights.presence * parts.presence
  );
}

/** Parts from the raw figures; the maximum and the cheapest are over the candidates. */
export function scoreParts(
  raw: { bm25: number; cosine: number; semantic: number | undefined; price: number },
  pool: { bm25Max: number; priceMin: number },
  signal: Signal,
): ScoreParts {
  return {
    lexical: pool.bm25Max > 0 ? raw.bm25 / pool.bm25Max : 0,
    vector: raw.cosine,
    ...(raw.semantic === undefined ? {} : { semantic: raw.semantic }),
    reputation: Math.min(Math.max(signal.score, 0), 1),
    price: (pool.priceMin + 1) / (raw.price + 1),
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
