import type { SearchQuery } from '@zerostate/discovery';
import {
  type SearchAnswer,
  type SearchRequest,
  searchAnswerSchema,
  searchRequestSchema,
  sha256Base64url,
} from '@zerostate/shared';
import { isFresh } from '../http/etag.ts';
import { keepAlive } from '../http/keep-alive.ts';
import { fail } from '../http/problem.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import type { Clock } from '../ports.ts';
import type { CardFeed } from './card-feed.ts';

export type SearchDeps = { feed: CardFeed; clock: Clock; embedderId: string };

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
    async (c, { body, raw }) => {
      const { filters } = body;
      if (filters?.regions !== undefined && filters.regions.length > 1) {
        return fail(c, 'filter-invalid', 'filters.regions: one region a query');
      }
      await deps.feed.freshen((work) => keepAlive(c, work));
      const etag = `W/"${deps.feed.version}-${sha256Base64url(raw)}"`;
      c.header('etag', etag);
      c.header('cache-control', 'private, max-age=0, must-revalidate');
      if (isFresh(c, etag)) return c.body(null, 304);
      const found = await deps.feed.index.search(
        toQuery(body, deps.clock.now()),
        deps.feed.signals,
      );
      if (!found.ok) return fail(c, found.code, found.field);
      return c.json(toAnswer(deps, found));
    },
  );
  return router;
}

function toQuery(request: SearchRequest, now: number): SearchQuery {
  const { text, k, filters = {}, weights, explain, cursor } = request;
  const { tags, skills, regions, price_max, reputation_min, online } = filters;
  const region = regions?.[0];
  return {
    text,
    now,
    filters: {
      ...(tags === undefined ? {} : { tags }),
      ...(skills === undefined ? {} : { skills }),
      ...(region === undefined ? {} : { region }),
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

function toAnswer({ feed, embedderId }: SearchDeps, found: Found): SearchAnswer {
  return {
    results: found.results.map((result) => ({
      did: result.did,
      agent: result.agent,
      name: result.name,
      description: feed.descriptionOf(result.did, result.agent),
      card_sha256: result.cardSha256,
      skills: result.skills.map(({ id }) => id),
      score: result.score,
      parts: { ...result.parts },
      online: feed.signals(result.did).online,
      price: {
        base: String(result.price.base),
        per_mgas: String(result.price.perMgas),
        per_page: String(result.price.perPage),
      },
    })),
    rev: found.rev,
    embedder: embedderId,
    total: found.passed,
    ...(found.next === undefined ? {} : { next: found.next }),
    ...(found.leftOut === undefined
      ? {}
      : { left_out: found.leftOut.map(({ did, agent, reason }) => ({ did, agent, reason })) }),
  };
}
