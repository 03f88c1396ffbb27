/** Accounts, and what flows into them from outside and out again. */
import {
  accountAnswerSchema,
  creditRequestSchema,
  debitRequestSchema,
  didField,
  faucetRequestSchema,
  hashField,
  withdrawalAnswerSchema,
  withdrawalListAnswerSchema,
  withdrawalStateField,
  withdrawRequestSchema,
} from '@zerostate/shared';
import { z } from 'zod';
import { fail } from '../http/problem.ts';
import { afterField, afterOf, limitField, limitOf } from '../http/query.ts';
import { createRouter, type Router, type RouterDeps } from '../http/router.ts';
import { answerOnce, answerText, answerValue } from '../ledger/keyed-route.ts';
import type { Ledger } from '../ledger/store.ts';

const answers = { 200: { description: 'The account', schema: accountAnswerSchema } };

export type AccountDeps = RouterDeps & { ledger: Ledger; operators: readonly string[] };

export function accountRoutes(deps: AccountDeps): Router {
  const router = createRouter(deps);
  addDeposits(router, deps);
  addWithdrawals(router, deps);
  addWithdrawalReads(router, deps);
  return router;
}

function addDeposits(router: Router, deps: AccountDeps): void {
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
}

function addWithdrawals(router: Router, deps: AccountDeps): void {
  const { ledger } = deps;
  router.add(
    {
      method: 'post',
      path: '/v1/withdrawals',
      tag: 'accounts',
      summary: 'Take money out',
      description:
        'Holds the amount at once. An operator then pays it outside or refuses it; the same order ' +
        'again gives the withdrawal as it is.',
      body: withdrawRequestSchema,
      signed: 'optional',
      idempotent: true,
      answers: { 201: { description: 'The withdrawal', schema: withdrawalAnswerSchema } },
      failures: ['funds-insufficient', 'rail-closed', 'withdraw-expired', 'signer-missing'],
    },
    (c, input) =>
      answerOnce(
        deps,
        c,
        input,
        input.body.withdraw,
        (claim) => ledger.withdraw(input.body.withdraw, claim),
        201,
      ),
  );
  router.add(
    {
      method: 'post',
      path: '/v1/debits',
      tag: 'accounts',
      summary: "An operator's word that a withdrawal was paid outside, or refused",
      body: debitRequestSchema,
      signed: 'optional',
      idempotent: true,
      answers: { 200: { description: 'The withdrawal', schema: withdrawalAnswerSchema } },
      failures: [
        'operator-unknown',
        'withdrawal-unknown',
        'withdrawal-differs',
        'withdrawal-final',
        'reference-used',
      ],
    },
    (c, input) =>
      answerOnce(deps, c, input, input.body.debit, (claim) =>
        ledger.debit(input.body.debit, claim),
      ),
  );
}

/** Where money goes is nobody's business but its owner's and the operators'. */
function addWithdrawalReads(router: Router, { ledger, operators }: AccountDeps): void {
  const isOperator = (did: string) => operators.includes(did);
  router.add(
    {
      method: 'get',
      path: '/v1/withdrawals/{withdrawal}',
      tag: 'accounts',
      summary: 'A withdrawal, for its owner and the operators',
      params: z.strictObject({ withdrawal: hashField }),
      signed: 'required',
      answers: { 200: { description: 'The withdrawal', schema: withdrawalAnswerSchema } },
      failures: ['withdrawal-unknown', 'forbidden'],
    },
    async (c, { params, signer }) => {
      const found = await ledger.withdrawal(params.withdrawal);
      if (!found.ok) return answerText(c, found);
      if (found.value.owner !== signer && !isOperator(signer)) return fail(c, 'forbidden');
      return answerText(c, { ok: true, value: found.value.json });
    },
  );
  router.add(
    {
      method: 'get',
      path: '/v1/withdrawals',
      tag: 'accounts',
      summary: "One's own withdrawals; everybody's for the operators",
      query: z.strictObject({
        did: didField.optional(),
        state: withdrawalStateField.optional(),
        after: afterField,
        limit: limitField,
      }),
      signed: 'required',
      answers: { 200: { description: 'One page', schema: withdrawalListAnswerSchema } },
      failures: ['forbidden'],
    },
    async (c, { query, signer }) => {
      const did = query.did ?? (isOperator(signer) ? undefined : signer);
      if (did !== signer && !isOperator(signer)) return fail(c, 'forbidden');
      const page = { after: afterOf(query.after), limit: limitOf(query.limit) };
      return answerText(c, await ledger.withdrawals({ did, state: query.state }, page));
    },
  );
}
