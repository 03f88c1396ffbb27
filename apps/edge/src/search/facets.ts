import type { FacetCounts } from '@zerostate/discovery';
import { type CardFacetsAnswer, cardFacetsAnswerSchema } from '@zerostate/shared';
import { z } from 'zod';
import { tagged } from '../http/etag.ts';
import { keepAlive } from '../http/keep-alive.ts';
import { limitField, limitOf } from '../http/query.ts';
import type { Router } from '../http/router.ts';
import type { SearchDeps } from './deps.ts';

/** Counting looks at every card: once a second is often enough for what fills a menu. */
const COUNT_MS = 1_000;

type Counted = { rev: number; at: number; top: number; counts: FacetCounts };

export function addFacets(router: Router, { feed, clock }: SearchDeps): void {
  let last: Counted | null = null;
  router.add(
    {
      method: 'get',
      path: '/v1/cards/facets',
      tag: 'cards',
      summary: 'What live cards can be filtered by, and how many carry each',
      query: z.strictObject({ limit: limitField }),
      answers: { 200: { description: 'The commonest of each', schema: cardFacetsAnswerSchema } },
    },
    async (c, { query }) => {
      await feed.freshen((work) => keepAlive(c, work));
      const { index, isLoaded } = feed;
      const [now, top, { rev }] = [clock.now(), limitOf(query.limit), index];
      if (last === null || last.top !== top || last.rev !== rev || now - last.at >= COUNT_MS) {
        last = { rev, at: now, top, counts: index.facets(now, top) };
      }
      return tagged(c, toAnswer(last, isLoaded), rev);
    },
  );
}

function toAnswer({ rev, counts }: Counted, isLoaded: boolean): CardFacetsAnswer {
  const { cards, skills, tags, regions, prices } = counts;
  return {
    rev,
    cards,
    skills: [...skills],
    tags: [...tags],
    regions: [...regions],
    prices: prices.map(({ from, below, count }) => ({
      from: String(from),
      ...(below === undefined ? {} : { below: String(below) }),
      count,
    })),
    ...(isLoaded ? {} : { partial: true }),
  };
}
