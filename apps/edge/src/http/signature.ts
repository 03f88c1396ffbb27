/** Who signed a request (RFC 9421), checked before any database work. */
import { err, ok, type Verifier, verifyRequest } from '@zerostate/shared';
import type { Context } from 'hono';
import type { Clock } from '../ports.ts';
import type { EdgeEnv } from './env.ts';
import type { ProblemCode, ProblemExtra } from './problem.ts';
import type { RateLimiter } from './rate-limit.ts';

/** Nonces of signed POSTs, remembered in the directory for 120 s. */
export interface NonceStore {
  /** True the first time. */
  use(did: string, nonce: string, now: number): Promise<boolean>;
}

export type SignatureDeps = {
  clock: Clock;
  /** Signed requests of one DID. */
  didRate: RateLimiter;
  verifier: Verifier;
  nonces: NonceStore;
  /** Public origins of this edge; empty: the origin that the request itself names. */
  origins: readonly string[];
};

export type SignerResult =
  | { ok: true; value: string }
  | { ok: false; code: ProblemCode; detail?: string; extra?: ProblemExtra };

/** The DID whose signature the request carries. */
export async function requestSigner(
  c: Context<EdgeEnv>,
  deps: SignatureDeps,
  body: Uint8Array | undefined,
): Promise<SignerResult> {
  const now = deps.clock.now();
  const signed = await verifyRequest(
    {
      method: c.req.method,
      urls: targetUris(c.req.url, deps.origins),
      body,
      now,
      header: (name) => c.req.header(name),
    },
    deps.verifier,
  );
  if (!signed.ok) return signed;
  const { did, nonce } = signed.value;
  // After the signature: nobody can use up another's tokens.
  const taken = deps.didRate.take(did);
  if (!taken.ok) return { ...err('rate-limited'), extra: { retry_ms: taken.retryMs } };
  if (nonce !== undefined && !(await deps.nonces.use(did, nonce, now))) return err('nonce-reused');
  return ok(did);
}

/** The URLs that a client may have meant: each public origin with this path and query. */
function targetUris(url: string, origins: readonly string[]): string[] {
  if (origins.length === 0) return [url];
  const path = url.slice(url.indexOf('/', url.indexOf('://') + 3));
  return origins.map((origin) => origin + path);
}
