import type { TableRow } from '../index/card-table.ts';
import type { CardPrice } from '../index/document.ts';
import type { Shard } from '../index/shard.ts';
import { EXPLAIN_MAX } from '../limits.ts';
import type { CheckedQuery, Signals } from '../query.ts';
import { type LeftOutReason, Selection } from './filter.ts';
import { type Candidate, gatherPool, type PoolQuery, scoreWords } from './pool.ts';
import { matchScore, type ScoreParts, SemanticGap, scoreParts, totalScore } from './score.ts';

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

interface Ranked {
  readonly candidate: Candidate;
  readonly parts: ScoreParts;
  readonly score: number;
  readonly last: boolean;
  readonly tie: number;
}

/** Ranks the shards' cards for a query and gives `k` results from `offset` on. */
export function rank(
  shards: readonly Shard[],
  query: CheckedQuery,
  pool: PoolQuery,
  signals: Signals,
  page: { offset: number; now: number; explain: boolean },
): Ranking {
  const selections = shards.map((shard) => new Selection(shard, query.filters, signals, page.now));
  const matched = scoreWords(shards, pool.terms);
  const passing = selections.map((selection) => selection.passing);
  const found = gatherPool(shards, selections, passing, matched, pool);
  const meaning = pool.semantic !== undefined;
  const ranked = order(found, selections, query, meaning);
  const shown = ranked.slice(page.offset, page.offset + query.k);
  const ranking = {
    results: shown.map((entry) => resultOf(entry, selections)),
    ranked: ranked.length,
    live: sum(selections, (selection) => selection.liveCount),
    passed: sum(selections, (selection) => selection.passingCount),
  };
  if (!page.explain) return ranking;
  const everyone = shards.map(({ cards }) => cards.alive);
  const unfiltered = order(
    gatherPool(shards, selections, everyone, matched, pool),
    selections,
    query,
    meaning,
  );
  const before = new Set(ranked.slice(0, page.offset + query.k).map(reference));
  const others = unfiltered.filter((entry) => !before.has(reference(entry)));
  return { ...ranking, leftOut: others.slice(0, EXPLAIN_MAX).map((e) => leftOutOf(e, selections)) };
}

/** Best first; equal scores by a number made of the key, so that every index agrees. */
function order(
  candidates: readonly Candidate[],
  selections: readonly Selection[],
  query: CheckedQuery,
  meaning: boolean,
): Ranked[] {
  const weights = meaning ? query.semanticWeights : query.weights;
  const gap = new SemanticGap();
  const price = ({ shard, slot }: Candidate) => selections[shard]?.cards.priceOf(slot) ?? 0;
  let bm25Max = 0;
  let priceMin = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    bm25Max = Math.max(bm25Max, candidate.bm25);
    priceMin = Math.min(priceMin, price(candidate));
    const { cosine, semantic, byMeaning } = candidate;
    if (!byMeaning && !Number.isNaN(semantic)) gap.add(cosine, semantic);
  }
  const ranked: Ranked[] = [];
  for (const candidate of candidates) {
    const selection = selections[candidate.shard];
    if (selection === undefined) continue;
    const signal = selection.signalOf(candidate.slot);
    const { bm25, cosine } = candidate;
    const known = Number.isNaN(candidate.semantic) ? gap.expected(cosine) : candidate.semantic;
    const semantic = meaning ? known : undefined;
    const raw = { bm25, cosine, semantic, price: price(candidate) };
    const parts = scoreParts(raw, { bm25Max, priceMin }, signal);
    if (!query.blank && matchScore(parts, weights) <= 0) continue;
    ranked.push({
      candidate,
      parts,
      score: totalScore(parts, weights),
      last: signal.rankedLast === true,
      tie: selection.cards.tieOf(candidate.slot),
    });
  }
  return ranked.sort(
    (a, b) => Number(a.last) - Number(b.last) || b.score - a.score || a.tie - b.tie,
  );
}

function resultOf({ candidate, parts, score }: Ranked, selections: readonly Selection[]) {
  const { did, agent, expiresAt, record } = rowOf(candidate, selections);
  const { name, cardSha256, skills, price } = record;
  return { did, agent, name, cardSha256, skills, price, expiresAt, score, parts };
}

function leftOutOf({ candidate, score }: Ranked, selections: readonly Selection[]): LeftOut {
  const { did, agent, record } = rowOf(candidate, selections);
  const reason = selections[candidate.shard]?.reasonOf(candidate.slot) ?? 'rank';
  return { did, agent, name: record.name, reason, score };
}

function rowOf({ shard, slot }: Candidate, selections: readonly Selection[]): TableRow {
  const selection = selections[shard];
  if (selection === undefined) throw new RangeError(`no shard ${shard}`);
  return selection.cards.row(slot);
}

function reference({ candidate }: Ranked): string {
  return `${candidate.shard}/${candidate.slot}`;
}

function sum(selections: readonly Selection[], count: (selection: Selection) => number): number {
  return selections.reduce((total, selection) => total + count(selection), 0);
}
