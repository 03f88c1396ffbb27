/** The routes of money over a test's world, and requests to them. */
import { signRequest, utf8 } from '@zerostate/shared';
import { Hono } from 'hono';
import { expect } from 'vitest';
import { accountRoutes } from '../../accounts/routes.ts';
import { channelRoutes } from '../../channels/routes.ts';
import { claimRoutes } from '../../claims/routes.ts';
import type { EdgeEnv } from '../../http/env.ts';
import { createIdempotency } from '../../http/idempotency.ts';
import { createRateLimiter } from '../../http/rate-limit.ts';
import type { RouterDeps } from '../../http/router.ts';
import type { Watch } from '../../ports.ts';
import { receiptRoutes } from '../../receipts/routes.ts';
import { reputationRoutes } from '../../reputation/routes.ts';
import { ledgerRoutes } from '../routes.ts';
import { type Name, nonce, START, type World } from './world.ts';

export const ORIGIN = 'http://edge.test';

export type Posted = { status: number; code: string | undefined; text: string };
export type PostOptions = { key?: string | null; by?: Name; worker?: Hono<EdgeEnv> };
export type RouteWorld = {
  app: Hono<EdgeEnv>;
  /** Wakes whoever waits for a channel. */
  wake: () => void;
  /** Another worker over the same ledger. */
  another(): Hono<EdgeEnv>;
  /** A fresh Idempotency-Key unless one is named; none for null. */
  post(path: string, body: unknown, options?: PostOptions): Promise<Posted>;
  // Answers are compared by the tests as they came.
  get(path: string, by?: Name): Promise<{ status: number; body: Record<string, unknown> }>;
};

export function createRouteWorld(world: World): RouteWorld {
  const waiting = Promise.withResolvers<boolean>();
  const another = () => createRoutes(world, waiting.promise);
  const app = another();
  let requests = 0;
  return {
    app,
    wake: () => waiting.resolve(true),
    another,
    async post(path, body, options = {}) {
      requests += 1;
      const bytes = utf8(JSON.stringify(body));
      const key = options.key === undefined ? `key-${requests}` : options.key;
      const headers = {
        'content-type': 'application/json',
        ...(key === null ? {} : { 'idempotency-key': key }),
        ...(await signature(world, 'POST', path, options.by, bytes)),
      };
      const url = ORIGIN + path;
      const worker = options.worker ?? app;
      const response = await worker.request(url, { method: 'POST', headers, body: bytes });
      const text = await response.text();
      if (response.status >= 400) {
        expect(response.headers.get('content-type')).toBe('application/problem+json');
      }
      return { status: response.status, code: JSON.parse(text).code, text };
    },
    async get(path, by) {
      const headers = await signature(world, 'GET', path, by);
      const response = await app.request(ORIGIN + path, { headers });
      return { status: response.status, body: await response.json() };
    },
  };
}

/** The world's nonce store takes any; each is another nevertheless. */
let nonces = 0;

async function signature(
  world: World,
  method: string,
  path: string,
  by: Name | undefined,
  body?: Uint8Array<ArrayBuffer>,
): Promise<Record<string, string>> {
  if (by === undefined) return {};
  nonces += 1;
  const signer = world.signers[by];
  return signRequest({
    method,
    url: ORIGIN + path,
    body,
    now: START,
    nonce: nonce(nonces),
    signer,
  });
}

function createRoutes(world: World, changed: Promise<boolean>): Hono<EdgeEnv> {
  const clock = { now: () => START };
  const router: RouterDeps = {
    signature: {
      clock,
      verifier: world.ports.verifier,
      nonces: { use: async () => true },
      origins: [ORIGIN],
      didRate: createRateLimiter(clock, { perSecond: 1_000, burst: 1_000 }),
    },
    idempotency: createIdempotency(world.ledger),
  };
  const watch = (): Watch => ({ changed: () => changed, close() {} });
  const hub = { wake() {}, wakeTopic() {}, watch };
  const { operators } = world.ports;
  const deps = { ...router, ledger: world.ledger, hub, clock, operators };
  const routes = new Hono<EdgeEnv>();
  for (const { app: each } of [
    accountRoutes(deps),
    channelRoutes(deps),
    claimRoutes(deps),
    receiptRoutes(deps),
    reputationRoutes(deps),
    ledgerRoutes(deps),
  ]) {
    routes.route('/', each);
  }
  return routes;
}
