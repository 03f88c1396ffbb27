import type { SearchWeights, Signal } from '../query.ts';

/** The parts of a score, before their weights. */
export interface ScoreParts {
  /** BM25 over the pool's best, 0 to 1. */
  readonly lexical: number;
  /** Cosine of card and query, -1 to 1. */
  readonly vector: number;
  /** The publisher's score, 0 to 1. */
  readonly reputation: number;
  /** The pool's cheapest reference price over this card's, 0 to 1. */
  readonly price: number;
  /** 1 online, 0 not. */
  readonly presence: number;
}

/** How well words and meaning fit: what the other parts can only move by their small weights. */
export function matchScore(parts: ScoreParts, weights: SearchWeights): number {
  return (1 - weights.vector) * parts.lexical + weights.vector * parts.vector;
}

/** (1 − a)·bm25/max + a·cosine, plus the weighted reputation, price and presence. */
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
  raw: { bm25: number; cosine: number; price: number },
  pool: { bm25Max: number; priceMin: number },
  signal: Signal,
): ScoreParts {
  return {
    lexical: pool.bm25Max > 0 ? raw.bm25 / pool.bm25Max : 0,
    vector: raw.cosine,
    reputation: Math.min(Math.max(signal.score, 0), 1),
    price: (pool.priceMin + 1) / (raw.price + 1),
    presence: signal.online ? 1 : 0,
  };
}
