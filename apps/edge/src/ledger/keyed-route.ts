/** What the routes that move value share: one key, one effect, one answer. */
import type { Context } from 'hono';
import type { EdgeEnv } from '../http/env.ts';
import type { Idempotency, IdempotencyClaim } from '../http/idempotency.ts';
import { fail } from '../http/problem.ts';
import type { LedgerResult } from './codes.ts';

export type KeyedDeps = { idempotency: Idempotency };

/** Who a key belongs to when nobody signed the request: any caller of an unsigned route. */
const ANYBODY = 'anybody';

type Signed = { sigs: readonly { by: string }[] };

/**
 * Runs a ledger operation under the request's Idempotency-Key. The key belongs to whoever signed
 * the request, else to the first signer of what it carries.
 */
export function answerOnce(
  deps: KeyedDeps,
  c: Context<EdgeEnv>,
  input: { raw: Uint8Array; signer: string | null },
  carried: Signed | null,
  operation: (claim: IdempotencyClaim) => Promise<LedgerResult<string>>,
  status: 200 | 201 = 200,
): Promise<Response> {
  const did = input.signer ?? carried?.sigs[0]?.by ?? ANYBODY;
  return deps.idempotency.answer(c, { did, raw: input.raw }, async (claim) =>
    answerText(c, await operation(claim), status),
  );
}

/** The answer's JSON text, or the refusal as a problem. Balances are never cached. */
export function answerText(
  c: Context<EdgeEnv>,
  result: LedgerResult<string>,
  status: 200 | 201 = 200,
): Response {
  if (!result.ok) return fail(c, result.code, result.detail);
  c.header('cache-control', 'no-store');
  c.header('content-type', 'application/json');
  return c.body(result.value, status);
}

/** As `answerText`, for an answer that is an object. */
export function answerValue(c: Context<EdgeEnv>, result: LedgerResult<object>): Response {
  if (!result.ok) return fail(c, result.code, result.detail);
  return answerText(c, { ok: true, value: JSON.stringify(result.value) });
}
