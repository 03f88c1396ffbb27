/** The public ledger: anybody can follow the journal, check its seals and add up its accounts. */
import {
  claimListAnswerSchema,
  conservationAnswerSchema,
  hashField,
  laneListAnswerSchema,
  sealListAnswerSchema,
  transferListAnswerSchema,
} from '@zerostate/shared';
import { z } from 'zod';
import { fail } from '../http/problem.ts';
import { afterField, afterOf, limitField, limitOf } from '../http/query.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { answerValue } from './keyed-route.ts';
import type { Ledger } from './store.ts';

export type LedgerRouteDeps = RouterDeps & { ledger: Ledger };

const numbered = z.strictObject({ after: afterField, limit: limitField });

export function ledgerRoutes(deps: LedgerRouteDeps): Router {
  const router = createRouter(deps);
  addJournal(router, deps);
  addStates(router, deps);
  return router;
}

function addJournal(router: Router, { ledger }: LedgerRouteDeps): void {
  router.add(
    {
      method: 'get',
      path: '/v1/ledger/transfers',
      tag: 'ledger',
      summary: 'The journal',
      query: numbered,
      answers: { 200: { description: 'One page', schema: transferListAnswerSchema } },
    },
    async (c, { query }) =>
      answerValue(c, await ledger.transfers(afterOf(query.after), limitOf(query.limit))),
  );
  router.add(
    {
      method: 'get',
      path: '/v1/ledger/seals',
      tag: 'ledger',
      summary: "Signed heads of the journal's hash chain",
      query: numbered,
      answers: { 200: { description: 'One page', schema: sealListAnswerSchema } },
    },
    async (c, { query }) =>
      answerValue(c, await ledger.seals(afterOf(query.after), limitOf(query.limit))),
  );
  router.add(
    {
      method: 'get',
      path: '/v1/ledger/conservation',
      tag: 'ledger',
      summary: 'The sums of all credits and debits',
      answers: { 200: { description: 'The sums', schema: conservationAnswerSchema } },
    },
    async (c) => answerValue(c, await ledger.conservation()),
  );
}

function addStates(router: Router, { ledger }: LedgerRouteDeps): void {
  router.add(
    {
      method: 'get',
      path: '/v1/ledger/lanes',
      tag: 'ledger',
      summary: 'What every lane has paid, with the signature that allowed it',
      query: z.strictObject({ after: z.string().max(64).optional(), limit: limitField }),
      answers: { 200: { description: 'One page', schema: laneListAnswerSchema } },
      failures: ['cursor-invalid'],
    },
    async (c, { query }) => {
      const lanes = await ledger.lanes(query.after, limitOf(query.limit));
      if (lanes.ok && lanes.value === null) return fail(c, 'cursor-invalid');
      return answerValue(c, lanes.ok ? { ok: true, value: { ...lanes.value } } : lanes);
    },
  );
  router.add(
    {
      method: 'get',
      path: '/v1/ledger/claims',
      tag: 'ledger',
      summary: 'Claims with what anybody needs to check them',
      query: z.strictObject({
        after: hashField.optional(),
        ch: hashField.optional(),
        state: z.literal('disputed').optional(),
        limit: limitField,
      }),
      answers: { 200: { description: 'One page', schema: claimListAnswerSchema } },
    },
    async (c, { query }) => answerValue(c, await ledger.claims(query, limitOf(query.limit))),
  );
}
