import type { TableRow } from '../index/card-table.ts';
import type { CardPrice } from '../index/document.ts';
import type { Shard } from '../index/shard.ts';
import { EXPLAIN_MAX } from '../limits.ts';
import type { CheckedQuery, Signals } from '../query.ts';
import { referenceOf } from './candidates.ts';
import { type LeftOutReason, Selection } from './filter.ts';
import { Ordering } from './order.ts';
import { FusionPool, type PoolQuery, scoreWords } from './pool.ts';
import type { ScoreParts } from './score.ts';

/** One found card. */
export interface SearchResult {
  readonly did: string;
  readonly agent: string;
  readonly name: string;
  readonly cardSha256: string;
  readonly skills: readonly { readonly id: string; readonly name: string }[];
  readonly price: CardPrice;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly score: number;
  readonly parts: ScoreParts;
}

/** A card that is not in the answer, and the first reason why. */
export interface LeftOut {
  readonly did: string;
  readonly agent: string;
  readonly name: string;
  readonly reason: LeftOutReason;
  /** What it would have scored. */
  readonly score: number;
}

export interface Ranking {
  readonly results: SearchResult[];
  /** Cards that could be paged through. */
  readonly ranked: number;
  /** Cards that are not expired, and those of them that pass the filters. */
  readonly live: number;
  readonly passed: number;
  readonly leftOut?: LeftOut[];
}

/** Where a page of an answer begins, and at what time. */
export interface Page {
  readonly offset: number;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly explain: boolean;
}

/** Ranks cards; it keeps its memory between searches and runs one at a time. */
export class Ranker {
  readonly #pool = new FusionPool();
  readonly #ordering = new Ordering(this.#pool.candidates);

  /** Ranks the shards' cards for a query and gives `k` results from `page.offset` on. */
  rank(
    shards: readonly Shard[],
    query: CheckedQuery,
    pool: PoolQuery,
    signals: Signals,
    page: Page,
  ): Ranking {
    const { filters, k } = query;
    const selections = shards.map((shard) => new Selection(shard, filters, signals, page.now));
    const matched = scoreWords(shards, pool.terms);
    const passing = selections.map((selection) => selection.passing);
    this.#pool.gather(shards, selections, passing, matched, pool);
    const meaning = pool.semantic !== undefined;
    const end = page.offset + k;
    const rows = this.#ordering.order(selections, query, meaning, end);
    const ranking = {
      results: rows.slice(page.offset).map((row) => this.#resultOf(row, shards)),
      ranked: this.#ordering.ranked,
      live: sum(selections, (selection) => selection.liveCount),
      passed: sum(selections, (selection) => selection.passingCount),
    };
    if (!page.explain) return ranking;
    const before = new Set(rows.map((row) => this.#reference(row)));
    const everyone = shards.map(({ cards }) => cards.alive);
    const { size } = this.#pool.gather(shards, selections, everyone, matched, pool);
    const others = this.#ordering
      .order(selections, query, meaning, size)
      .filter((row) => !before.has(this.#reference(row)))
      .slice(0, EXPLAIN_MAX);
    return { ...ranking, leftOut: others.map((row) => this.#leftOutOf(row, shards, selections)) };
  }

  #resultOf(row: number, shards: readonly Shard[]): SearchResult {
    const { did, agent, expiresAt, record } = this.#rowOf(row, shards);
    const { name, cardSha256, skills, price } = record;
    const score = this.#ordering.scoreOf(row);
    const parts = this.#ordering.partsOf(row);
    return { did, agent, name, cardSha256, skills, price, expiresAt, score, parts };
  }

  #leftOutOf(row: number, shards: readonly Shard[], selections: readonly Selection[]): LeftOut {
    const { did, agent, record } = this.#rowOf(row, shards);
    const { shards: ownerOf, slots } = this.#pool.candidates;
    const reason = selections[ownerOf[row] ?? 0]?.reasonOf(slots[row] ?? 0) ?? 'rank';
    return { did, agent, name: record.name, reason, score: this.#ordering.scoreOf(row) };
  }

  #rowOf(row: number, shards: readonly Shard[]): TableRow {
    const { shards: ownerOf, slots } = this.#pool.candidates;
    const shard = shards[ownerOf[row] ?? 0];
    if (shard === undefined) throw new RangeError('candidate of no shard');
    return shard.cards.row(slots[row] ?? 0);
  }

  #reference(row: number): number {
    const { shards, slots } = this.#pool.candidates;
    return referenceOf(shards[row] ?? 0, slots[row] ?? 0);
  }
}

function sum(selections: readonly Selection[], count: (selection: Selection) => number): number {
  return selections.reduce((total, selection) => total + count(selection), 0);
}
