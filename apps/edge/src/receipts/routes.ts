/** Receipts by their id: public, since their ids are known only to those they were shown to. */
import { hashField, receiptAnswerSchema } from '@zerostate/shared';
import { z } from 'zod';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { answerValue } from '../ledger/keyed-route.ts';
import type { Ledger } from '../ledger/store.ts';

export function receiptRoutes(deps: RouterDeps & { ledger: Ledger }): Router {
  const router = createRouter(deps);
  router.add(
    {
      method: 'get',
      path: '/v1/receipts/{receipt}',
      tag: 'receipts',
      summary: 'A receipt, and whether money has counted it',
      params: z.strictObject({ receipt: hashField }),
      answers: { 200: { description: 'The receipt', schema: receiptAnswerSchema } },
      failures: ['receipt-unknown'],
    },
    async (c, { params }) => answerValue(c, await deps.ledger.receipt(params.receipt)),
  );
  return router;
}
