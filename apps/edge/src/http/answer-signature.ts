/**
 * Answers signed with LEDGER_KEY for whoever asks by `Accept-Signature` (RFC 9421 section 5): a
 * caller that reaches this edge through a gateway of the mesh can check that they are the ledger's.
 */
import { readAcceptSignature, type Signer, signAnswer } from '@zerostate/shared';
import type { MiddlewareHandler } from 'hono';
import type { Clock } from '../ports.ts';
import type { EdgeEnv } from './env.ts';

export type AnswerSignatureDeps = { clock: Clock; ledgerSigner: Signer };

export function signedAnswers(deps: AnswerSignatureDeps): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    await next();
    const header = c.req.header('accept-signature');
    const asked = header === undefined ? null : readAcceptSignature(header);
    const digest = c.req.header('content-digest');
    if (asked === null || asked.withDigest !== (digest !== undefined)) return;
    const body = new Uint8Array(await c.res.arrayBuffer());
    const { status, headers } = c.res;
    const url = c.req.url;
    // As it was asked for: a URL of this server always has a path.
    const path = url.slice(url.indexOf('/', url.indexOf('://') + 3));
    const signature = await signAnswer({
      request: { method: c.req.method, path, digest, nonce: asked.nonce },
      status,
      body,
      now: deps.clock.now(),
      signer: deps.ledgerSigner,
    });
    const isBodyless = status === 204 || status === 304;
    c.res = new Response(isBodyless ? null : body, { status, headers });
    for (const [name, value] of Object.entries(signature)) c.res.headers.set(name, value);
  };
}
