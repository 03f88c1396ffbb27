import type { LeftOut, SearchQuery } from '@zerostate/discovery';
import {
  type SearchAnswer,
  type SearchRequest,
  searchAnswerSchema,
  searchRequestSchema,
} from '@zerostate/shared';
import { tagged } from '../http/etag.ts';
import { keepAlive } from '../http/keep-alive.ts';
import { fail } from '../http/problem.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import type { Load } from '../hub/presence.ts';
import type { CardFeed } from './card-feed.ts';
import type { SearchDeps } from './deps.ts';
import { addFacets } from './facets.ts';

export function searchRoutes(deps: SearchDeps & RouterDeps): Router {
  const router = createRouter(deps);
  router.add(
    {
      method: 'post',
      path: '/v1/search',
      tag: 'search',
      summary: 'Agents for what a caller needs, best first',
      body: searchRequestSchema,
      answers: { 200: { description: 'One page', schema: searchAnswerSchema } },
      failures: ['query-empty', 'filter-invalid', 'cursor-invalid', 'cursor-stale'],
    },
    async (c, { body }) => {
      await deps.feed.freshen((work) => keepAlive(c, work));
      const { feed } = deps;
      const isPartial = !feed.isLoaded;
      const query = toQuery(body, deps.clock.now());
      const found = await feed.index.search(query, feed.publishers.signals);
      if (!found.ok) return fail(c, found.code, found.field);
      return tagged(c, await toAnswer(deps, found, isPartial), found.rev);
    },
  );
  addFacets(router, deps);
  return router;
}

function toQuery(request: SearchRequest, now: number): SearchQuery {
  const { text, k, filters = {}, weights, explain, cursor } = request;
  const { tags, skills, regions, price_max, reputation_min, online } = filters;
  return {
    text,
    now,
    filters: {
      ...(tags === undefined ? {} : { tags }),
      ...(skills === undefined ? {} : { skills }),
      ...(regions === undefined ? {} : { regions }),
      ...(price_max === undefined ? {} : { priceMax: BigInt(price_max) }),
      ...(reputation_min === undefined ? {} : { minReputation: reputation_min }),
      ...(online === undefined ? {} : { online }),
    },
    weights: defined(weights ?? {}),
    ...(k === undefined ? {} : { k }),
    ...(explain === undefined ? {} : { explain }),
    ...(cursor === undefined ? {} : { cursor }),
  };
}

/** Without the members that are undefined. */
function defined(weights: NonNullable<SearchRequest['weights']>): Record<string, number> {
  return Object.fromEntries(
    Object.entries(weights).filter((entry): entry is [string, number] => entry[1] !== undefined),
  );
}

type Found = Extract<Awaited<ReturnType<CardFeed['index']['search']>>, { ok: true }>;

async function toAnswer(
  { feed, embedder }: SearchDeps,
  found: Found,
  isPartial: boolean,
): Promise<SearchAnswer> {
  const described = await feed.descriptions.of(found.results);
  return {
    results: found.results.map((result) => ({
      did: result.did,
      agent: result.agent,
      name: result.name,
      description: described(result.cardSha256),
      card_sha256: result.cardSha256,
      skills: result.skills.map(({ id }) => id),
      score: result.score,
      parts: { ...result.parts },
      online: feed.publishers.isOnline(result.did),
      ...loadField(feed.publishers.loadOf(result.did)),
      price: {
        base: String(result.price.base),
        per_mgas: String(result.price.perMgas),
        per_page: String(result.price.perPage),
      },
    })),
    rev: found.rev,
    embedder: embedder.id,
    semantic: found.ranking === 'semantic',
    total: found.passed,
    ...(isPartial ? { partial: true } : {}),
    ...(found.empty === undefined ? {} : { empty: found.empty }),
    ...(found.degraded === undefined ? {} : { degraded: found.degraded }),
    ...(found.next === undefined ? {} : { next: found.next }),
    ...(found.leftOut === undefined ? {} : { left_out: found.leftOut.map(toLeftOut) }),
  };
}

function loadField(load: Load | null): { load?: Load } {
  return load === null ? {} : { load };
}

/** Filters that this API calls by another name than the index does. */
const FILTER_NAMES = new Map<string, string>([
  ['region', 'regions'],
  ['priceMax', 'price_max'],
  ['minReputation', 'reputation_min'],
]);

function toLeftOut({ did, agent, reason }: LeftOut) {
  return { did, agent, reason: FILTER_NAMES.get(reason) ?? reason };
}
