/** What every request gets: an id, its client's address, CORS, a rate, a line in the log. */
import { encodeBase64url } from '@zerostate/shared';
import type { Context, MiddlewareHandler } from 'hono';
import type { Clock, Log, Metrics, Rng } from '../ports.ts';
import { clientAddress } from './client-address.ts';
import type { EdgeEnv } from './env.ts';
import { fail } from './problem.ts';
import type { RateLimiter } from './rate-limit.ts';

export type FrameDeps = {
  clock: Clock;
  rng: Rng;
  log: Log;
  metrics: Metrics;
  addressRate: RateLimiter;
  trustedProxies: readonly string[];
};

const REQUEST_ID = /^[A-Za-z0-9._-]{1,64}$/;
/** W3C Trace Context: version 00, not all zero. */
const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

const EXPOSED =
  'content-digest, etag, idempotency-replayed, location, ratelimit, ratelimit-policy, ' +
  'retry-after, traceparent, x-request-id';
const ALLOWED =
  'content-digest, content-type, idempotency-key, if-none-match, signature, signature-input, ' +
  'traceparent, x-request-id';

export function frame(deps: FrameDeps): MiddlewareHandler<EdgeEnv> {
  return async (c, next) => {
    const startedAt = deps.clock.now();
    identify(c, deps);
    const isPublicApi = c.req.path.startsWith('/v1/') || c.req.path === '/openapi.json';
    if (isPublicApi) allowOrigins(c);
    if (isPublicApi && c.req.method === 'OPTIONS') return preflight(c);
    const taken = takeRate(c, deps);
    // Not an early return: a refused request stands in the log as well.
    const refused = taken === null ? null : fail(c, 'rate-limited', undefined, taken);
    if (refused === null) await next();
    report(c, deps, refused?.status ?? c.res.status, startedAt);
    return refused ?? undefined;
  };
}

function identify(c: Context<EdgeEnv>, deps: FrameDeps): void {
  const given = c.req.header('x-request-id');
  const requestId =
    given !== undefined && REQUEST_ID.test(given) ? given : encodeBase64url(deps.rng.bytes(12));
  const trace = c.req.header('traceparent');
  const traceparent = trace !== undefined && TRACEPARENT.test(trace) ? trace : undefined;
  const peer = c.env?.address ?? '';
  c.set('requestId', requestId);
  c.set('traceparent', traceparent);
  c.set('clientAddress', clientAddress(peer, c.req.header('x-forwarded-for'), deps.trustedProxies));
  c.header('x-request-id', requestId);
  if (traceparent !== undefined) c.header('traceparent', traceparent);
}

/** Any origin may call: nothing here rests on cookies, everything on signatures. */
function allowOrigins(c: Context<EdgeEnv>): void {
  if (c.req.header('origin') === undefined) return;
  c.header('access-control-allow-origin', '*');
  c.header('access-control-expose-headers', EXPOSED);
}

function preflight(c: Context<EdgeEnv>): Response {
  c.header('access-control-allow-origin', '*');
  c.header('access-control-allow-methods', 'GET, POST, PUT');
  c.header('access-control-allow-headers', ALLOWED);
  c.header('access-control-max-age', '86400');
  return c.body(null, 204);
}

/** RateLimit headers (draft-ietf-httpapi-ratelimit-headers); null when the request may go on. */
function takeRate(c: Context<EdgeEnv>, deps: FrameDeps): { retry_ms: number } | null {
  const { rate } = deps.addressRate;
  const taken = deps.addressRate.take(c.get('clientAddress'));
  const windowS = Math.max(1, Math.ceil(rate.burst / rate.perSecond));
  c.header('ratelimit-policy', `"address";q=${rate.burst};w=${windowS}`);
  if (taken.ok) {
    c.header('ratelimit', `"address";r=${taken.remaining};t=${windowS}`);
    return null;
  }
  c.header('ratelimit', `"address";r=0;t=${Math.ceil(taken.retryMs / 1000)}`);
  return { retry_ms: taken.retryMs };
}

function report(c: Context<EdgeEnv>, deps: FrameDeps, status: number, startedAt: number): void {
  const route = c.get('route') ?? 'none';
  const ms = deps.clock.now() - startedAt;
  const labels = { method: c.req.method, route, status: String(status) };
  deps.metrics.count('zs_http_requests_total', labels);
  deps.metrics.observe('zs_http_request_seconds', ms / 1000, { route });
  const fields = {
    requestId: c.get('requestId'),
    trace: c.get('traceparent')?.slice(3, 35),
    method: c.req.method,
    route,
    status,
    ms,
    problem: c.get('problem'),
  };
  if (status >= 500) deps.log.warn('request', fields);
  else deps.log.debug('request', fields);
}
