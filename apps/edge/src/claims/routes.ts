/** Claims: what an executor is owed when the caller is silent. */
import {
  claimAnswerSchema,
  claimRequestSchema,
  equivocationRequestSchema,
  hashField,
  verdictRequestSchema,
} from '@zerostate/shared';
import { z } from 'zod';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { answerOnce, answerText } from '../ledger/keyed-route.ts';
import type { Ledger } from '../ledger/store.ts';

export type ClaimDeps = RouterDeps & { ledger: Ledger };

const params = z.strictObject({ claim: hashField });
const answers = { 200: { description: 'The claim', schema: claimAnswerSchema } };

export function claimRoutes(deps: ClaimDeps): Router {
  const router = createRouter(deps);
  addFiling(router, deps);
  addDecisions(router, deps);
  return router;
}

function addFiling(router: Router, { ledger, ...deps }: ClaimDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/claims',
      tag: 'claims',
      summary: 'Claim what a condition and its receipt are worth',
      description: 'For the payee. With an objection on record the claim starts disputed.',
      body: claimRequestSchema,
      signed: 'required',
      idempotent: true,
      answers: { 201: { description: 'The claim', schema: claimAnswerSchema } },
      failures: ['channel-unknown', 'party-wrong', 'task-claimed', 'claim-lane-busy'],
    },
    (c, input) =>
      answerOnce(
        deps,
        c,
        input,
        null,
        (claim) => ledger.fileClaim(input.body, input.signer, claim),
        201,
      ),
  );
  router.add(
    {
      method: 'get',
      path: '/v1/claims/{claim}',
      tag: 'claims',
      summary: 'A claim',
      params,
      answers,
      failures: ['claim-unknown'],
    },
    async (c, input) => answerText(c, await ledger.claim(input.params.claim)),
  );
}

function addDecisions(router: Router, { ledger, ...deps }: ClaimDeps): void {
  router.add(
    {
      method: 'post',
      path: '/v1/claims/{claim}/post',
      tag: 'claims',
      summary: 'Pay a claim that nobody disputed in time',
      params,
      body: z.strictObject({}),
      signed: 'optional',
      idempotent: true,
      answers,
      failures: ['claim-unknown', 'claim-not-due', 'claim-not-pending'],
    },
    (c, input) =>
      answerOnce(deps, c, input, null, (claim) => ledger.postClaim(input.params.claim, claim)),
  );
  router.add(
    {
      method: 'post',
      path: '/v1/claims/{claim}/verdicts',
      tag: 'claims',
      summary: "An arbiter's word on a disputed claim",
      params,
      body: verdictRequestSchema,
      answers,
      failures: ['claim-unknown', 'claim-not-disputed', 'signer-unexpected'],
    },
    async (c, { params: at, body }) =>
      answerText(c, await ledger.giveVerdict(body.verdict, { claim: at.claim })),
  );
  router.add(
    {
      method: 'post',
      path: '/v1/claims/{claim}/equivocation',
      tag: 'claims',
      summary: 'Show that the executor signed another receipt for the same task',
      params,
      body: equivocationRequestSchema,
      answers,
      failures: ['claim-unknown', 'claim-final', 'receipts-equal', 'task-wrong'],
    },
    async (c, { params: at, body }) =>
      answerText(c, await ledger.showEquivocation(at.claim, body.receipt)),
  );
}
