import type { CheckedQuery, SearchWeights, Signal } from '../query.ts';
import { TopList } from '../vector/top.ts';
import type { Candidates } from './candidates.ts';
import type { Selection } from './filter.ts';
import { matchScore, type ScoreParts, SemanticGap, scoreParts, totalScore } from './score.ts';

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
    const { bm25, cosine, semantic } = this.#candidates;
    const vector = cosine[row] ?? 0;
    const raw = {
      bm25: bm25[row] ?? 0,
      cosine: vector,
      semantic: this.#meaning ? this.#gap.fill(vector, semantic[row] ?? Number.NaN) : undefined,
      price: this.#prices[row] ?? 0,
    };
    return scoreParts(raw, { bm25Max: this.#bm25Max, priceMin: this.#priceMin }, signal);
  }

  #offer(row: number, blank: boolean, weights: SearchWeights): void {
    const slot = this.#candidates.slots[row] ?? 0;
    const selection = this.#selectionOf(row);
    const signal = selection.signalOf(slot);
    const parts = this.#parts(row, signal);
    if (!blank && matchScore(parts, weights) <= 0) return;
    const score = totalScore(parts, weights);
    this.#scores[row] = score;
    this.ranked += 1;
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
