/** Accounts and what flows into them from outside. */
import {
  accountAnswerSchema,
  creditRequestSchema,
  didField,
  faucetRequestSchema,
} from '@zerostate/shared';
import { z } from 'zod';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { answerOnce, answerValue } from '../ledger/keyed-route.ts';
import type { Ledger } from '../ledger/store.ts';

const answers = { 200: { description: 'The account', schema: accountAnswerSchema } };

export function accountRoutes(deps: RouterDeps & { ledger: Ledger }): Router {
  const router = createRouter(deps);
  const { ledger } = deps;
  router.add(
    {
      method: 'get',
      path: '/v1/accounts/{did}',
      tag: 'accounts',
      summary: 'What a DID has, free and in escrow',
      params: z.strictObject({ did: didField }),
      answers,
    },
    async (c, { params }) => answerValue(c, await ledger.account(params.did)),
  );
  router.add(
    {
      method: 'post',
      path: '/v1/faucet',
      tag: 'accounts',
      summary: 'Play money, on a local network',
      body: faucetRequestSchema,
      signed: 'required',
      idempotent: true,
      answers,
      failures: ['faucet-off', 'reference-used'],
    },
    (c, input) =>
      answerOnce(deps, c, input, null, (claim) =>
        ledger.faucet(input.signer, BigInt(input.body.amount), claim),
      ),
  );
  router.add(
    {
      method: 'post',
      path: '/v1/credits',
      tag: 'accounts',
      summary: 'Money from outside that an operator vouches for',
      body: creditRequestSchema,
      signed: 'optional',
      idempotent: true,
      answers,
      failures: ['operator-unknown', 'credit-expired', 'reference-used', 'signature-invalid'],
    },
    (c, input) =>
      answerOnce(deps, c, input, input.body.credit, (claim) =>
        ledger.credit(input.body.credit, claim),
      ),
  );
  return router;
}
