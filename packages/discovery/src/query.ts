import { facetValue } from './index/facets.ts';
import { FILTER_VALUE_LENGTH_MAX, FILTER_VALUES_MAX, K_MAX, QUERY_TEXT_MAX } from './limits.ts';
import { wordsOf } from './text.ts';

/** Conditions a card must meet, all of them; an absent one asks nothing. */
export interface SearchFilters {
  /** The card, or one of its skills, carries every one of these tags. */
  readonly tags?: readonly string[];
  /** The card has every one of these skill ids. */
  readonly skills?: readonly string[];
  /** The card names this region. */
  readonly region?: string;
  /** The card names at least one of these regions; an empty list asks nothing. */
  readonly regions?: readonly string[];
  /** The reference run (see `referencePrice`) costs at most this, in micro-units. */
  readonly priceMax?: bigint;
  /** The publisher's score, 0 to 1, is at least this. */
  readonly minReputation?: number;
  /** True: the publisher is online now. False asks nothing. */
  readonly online?: boolean;
}

/**
 * What the parts of a score count, each 0 to 1. `vector` is a and `semantic` is s in
 * (1 − a)·lexical + a·((1 − s)·vector + s·semantic), where s is 0 in an answer that was ranked
 * without meaning; the others are added to that match.
 */
export interface SearchWeights {
  readonly vector: number;
  readonly semantic: number;
  readonly reputation: number;
  readonly price: number;
  readonly presence: number;
}

/** a of words and n-grams alone, chosen on the labelled sets that `bench search` ranks. */
export const BASE_VECTOR_WEIGHT = 0.5;

/** a when meaning counts too: at .7 sets whose queries share the cards' words fall under BM25. */
export const SEMANTIC_VECTOR_WEIGHT = 0.6;

/** s: n-grams and meaning count the same. */
export const SEMANTIC_SHARE = 0.5;

/**
 * `vector` becomes SEMANTIC_VECTOR_WEIGHT where meaning is known and the query sets no own.
 * The three small weights add up to .05: a card whose match is better by more than that stays
 * above whatever the other one's price, reputation and presence are.
 */
export const DEFAULT_WEIGHTS: SearchWeights = {
  vector: BASE_VECTOR_WEIGHT,
  semantic: SEMANTIC_SHARE,
  reputation: 0.02,
  price: 0.01,
  presence: 0.02,
};

export interface SearchQuery {
  /** What is wanted, in words. Blank only together with a filter: then cards are browsed. */
  readonly text: string;
  /** Results a page, 1 to K_MAX; 10 by default. */
  readonly k?: number;
  readonly filters?: SearchFilters;
  readonly weights?: Partial<SearchWeights>;
  /** Also say why the next best cards were left out. */
  readonly explain?: boolean;
  /** `next` of the page before, for the same query. */
  readonly cursor?: string;
  /** Milliseconds since 1970; cards that expire by then are not found. */
  readonly now: number;
}

/** What is known of a publisher apart from its cards. */
export interface Signal {
  readonly online: boolean;
  /** Reputation, 0 to 1. */
  readonly score: number;
  /** Tasks the score rests on. */
  readonly tasks: number;
  /** True puts its cards after all others: a publisher without a funded account. */
  readonly rankedLast?: boolean;
}

/** Looks a publisher up; asked at most once a publisher and search. Must not throw. */
export interface Signals {
  (did: string): Signal;
  /**
   * Changes whenever any answer may have changed; while it stays, answers are remembered.
   * Without it every search asks anew: all publishers, when it filters by what they answer.
   */
  readonly version?: number;
}

export type QueryErrorCode =
  | 'query-empty'
  | 'query-too-long'
  | 'k-out-of-range'
  | 'filter-unknown'
  | 'filter-invalid'
  | 'weight-invalid'
  | 'cursor-invalid'
  | 'cursor-stale';

/** Why a query was not run; `field` names the part of it that is wrong. */
export interface QueryRefusal {
  readonly ok: false;
  readonly code: QueryErrorCode;
  readonly field?: string;
}

const FILTER_NAMES = new Set([
  'tags',
  'skills',
  'region',
  'regions',
  'priceMax',
  'minReputation',
  'online',
]);
const K_DEFAULT = 10;

/** A query with its defaults filled in. */
export interface CheckedQuery {
  readonly ok: true;
  readonly text: string;
  readonly k: number;
  readonly filters: SearchFilters;
  readonly weights: SearchWeights;
  /** The weights in a ranking with three signals. */
  readonly semanticWeights: SearchWeights;
  readonly blank: boolean;
}

/** Checks everything of a query but its cursor. */
export function checkQuery(query: SearchQuery): CheckedQuery | QueryRefusal {
  const { text, k = K_DEFAULT, filters = {} } = query;
  if (text.length > QUERY_TEXT_MAX) return refusal('query-too-long', 'text');
  if (!Number.isInteger(k) || k < 1 || k > K_MAX) return refusal('k-out-of-range', 'k');
  const filterError = checkFilters(filters);
  if (filterError !== undefined) return filterError;
  const weights = { ...DEFAULT_WEIGHTS, ...query.weights };
  for (const [name, value] of Object.entries(weights)) {
    if (!(name in DEFAULT_WEIGHTS) || !(value >= 0 && value <= 1)) {
      return refusal('weight-invalid', `weights.${name}`);
    }
  }
  const blank = wordsOf(text, QUERY_TEXT_MAX).length === 0;
  if (blank && !asksSomething(filters)) return refusal('query-empty', 'text');
  const vector = query.weights?.vector ?? SEMANTIC_VECTOR_WEIGHT;
  const semanticWeights = { ...weights, vector };
  return { ok: true, text, k, filters, weights, semanticWeights, blank };
}

function checkFilters(filters: SearchFilters): QueryRefusal | undefined {
  for (const name of Object.keys(filters)) {
    if (!FILTER_NAMES.has(name)) return refusal('filter-unknown', `filters.${name}`);
  }
  for (const name of ['tags', 'skills', 'regions'] as const) {
    const values = filters[name] ?? [];
    if (values.length > FILTER_VALUES_MAX || !values.every(isValue)) {
      return refusal('filter-invalid', `filters.${name}`);
    }
  }
  const { region, priceMax, minReputation } = filters;
  if (region !== undefined && !isValue(region)) return refusal('filter-invalid', 'filters.region');
  if (priceMax !== undefined && priceMax < 0n) return refusal('filter-invalid', 'filters.priceMax');
  if (minReputation !== undefined && !(minReputation >= 0 && minReputation <= 1)) {
    return refusal('filter-invalid', 'filters.minReputation');
  }
  return undefined;
}

function isValue(value: string): boolean {
  return value.length <= FILTER_VALUE_LENGTH_MAX && facetValue(value) !== '';
}

function asksSomething(filters: SearchFilters): boolean {
  return Object.values(filters).some((value: unknown) =>
    Array.isArray(value) ? value.length > 0 : value !== undefined && value !== false,
  );
}

function refusal(code: QueryErrorCode, field: string): QueryRefusal {
  return { ok: false, code, field };
}
