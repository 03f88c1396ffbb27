/** The public score of an executor. */
import { didField, reputationAnswerSchema } from '@zerostate/shared';
import { z } from 'zod';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { answerValue } from '../ledger/keyed-route.ts';
import type { Ledger } from '../ledger/store.ts';

export function reputationRoutes(deps: RouterDeps & { ledger: Ledger }): Router {
  const router = createRouter(deps);
  router.add(
    {
      method: 'get',
      path: '/v1/reputation/{did}',
      tag: 'reputation',
      summary: 'What the ledger proves about an executor',
      params: z.strictObject({ did: didField }),
      answers: { 200: { description: 'Profile performance-v1', schema: reputationAnswerSchema } },
    },
    async (c, { params }) => answerValue(c, await deps.ledger.reputation(params.did)),
  );
  return router;
}
