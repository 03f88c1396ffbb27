import type { CheckedQuery, SearchWeights, Signal } from '../query.ts';
import { TopList } from '../vector/top.ts';
import type { Candidates } from './candidates.ts';
import type { Selection } from './filter.ts';
import {
  boost,
  boostMax,
  type MatchParts,
  matchScore,
  type ScoreParts,
  SemanticGap,
  signalParts,
} from './score.ts';

/** Candidates put in order, best first; its rows are those of the candidates. */
export class Ordering {
  readonly #candidates: Candidates;
  readonly #scores: Float64Array;
  readonly #prices: Float64Array;
  readonly #first = new TopList(0);
  readonly #last = new TopList(0);
  readonly #gap = new SemanticGap();
  #selections: readonly Selection[] = [];
  #meaning: boolean = false;
  #bm25Max = 0;
  #priceMin = 0;
  /** The most that reputation, price and presence add to a match. */
  #boostMax = 0;
  /** Candidates that match at all. */
  ranked = 0;

  constructor(candidates: Candidates) {
    this.#candidates = candidates;
    this.#scores = new Float64Array(candidates.slots.length);
    this.#prices = new Float64Array(candidates.slots.length);
  }

  /**
   * The first `top` rows. Equal scores go by a number made of the key, so that every index agrees,
   * and publishers that are ranked last come after all others.
   */
  order(
    selections: readonly Selection[],
    query: CheckedQuery,
    meaning: boolean,
    top: number,
  ): number[] {
    const weights = meaning ? query.semanticWeights : query.weights;
    this.#selections = selections;
    this.#meaning = meaning;
    this.#measurePool();
    this.#boostMax = boostMax(weights);
    this.#first.clear(top);
    this.#last.clear(top);
    this.ranked = 0;
    for (let row = 0; row < this.#candidates.size; row++) this.#offer(row, query.blank, weights);
    const rows = this.#first.ranked().map(({ slot }) => slot);
    if (rows.length < top) rows.push(...this.#last.ranked().map(({ slot }) => slot));
    return rows.length > top ? rows.slice(0, top) : rows;
  }

  scoreOf(row: number): number {
    return this.#scores[row] ?? 0;
  }

  /** The parts of a row's score. */
  partsOf(row: number): ScoreParts {
    return this.#parts(row, this.#selectionOf(row).signalOf(this.#candidates.slots[row] ?? 0));
  }

  #parts(row: number, signal: Signal): ScoreParts {
    const price = this.#prices[row] ?? 0;
    return { ...this.#match(row), ...signalParts(signal, price, this.#priceMin) };
  }

  #match(row: number): MatchParts {
    const { bm25, cosine, semantic } = this.#candidates;
    const vector = cosine[row] ?? 0;
    return {
      lexical: this.#bm25Max > 0 ? (bm25[row] ?? 0) / this.#bm25Max : 0,
      vector,
      semantic: this.#meaning ? this.#gap.fill(vector, semantic[row] ?? Number.NaN) : undefined,
    };
  }

  /** What is known of a publisher lies far apart in memory: most matches lose without it. */
  #offer(row: number, blank: boolean, weights: SearchWeights): void {
    const match = matchScore(this.#match(row), weights);
    if (!blank && match <= 0) return;
    this.ranked += 1;
    if (match + this.#boostMax < this.#first.floor) return;
    const slot = this.#candidates.slots[row] ?? 0;
    const selection = this.#selectionOf(row);
    const signal = selection.signalOf(slot);
    const parts = signalParts(signal, this.#prices[row] ?? 0, this.#priceMin);
    const score = match + boost(parts, weights);
    this.#scores[row] = score;
    const list = signal.rankedLast === true ? this.#last : this.#first;
    if (score >= list.floor) list.offer(row, score, selection.cards.tieOf(slot));
  }

  #selectionOf(row: number): Selection {
    const selection = this.#selections[this.#candidates.shards[row] ?? 0];
    if (selection === undefined) throw new RangeError('candidate of no shard');
    return selection;
  }

  #measurePool(): void {
    const { bm25, cosine, semantic, slots, shards, basic, size } = this.#candidates;
    this.#gap.clear();
    this.#bm25Max = 0;
    this.#priceMin = Number.POSITIVE_INFINITY;
    for (let row = 0; row < size; row++) {
      const price = this.#selections[shards[row] ?? 0]?.cards.priceOf(slots[row] ?? 0) ?? 0;
      this.#prices[row] = price;
      this.#bm25Max = Math.max(this.#bm25Max, bm25[row] ?? 0);
      this.#priceMin = Math.min(this.#priceMin, price);
      if (row < basic) this.#gap.add(cosine[row] ?? 0, semantic[row] ?? Number.NaN);
    }
  }
}
