/**
 * Idempotency-Key (draft-ietf-httpapi-idempotency-key-header): a repeated POST gives the stored
 * answer and moves nothing. The row is written in the ledger's batch, next to what it guards.
 */
import { sha256Base64url } from '@zerostate/shared';
import type { Context } from 'hono';
import type { EdgeEnv } from './env.ts';
import { fail } from './problem.ts';

/** One use of a key. The ledger inserts it in the same batch as the operation. */
export type IdempotencyClaim = {
  did: string;
  /** Method and path: `POST /v1/channels`. */
  route: string;
  key: string;
  /** sha256 of the request's body. */
  request: string;
};

export type StoredAnswer = {
  request: string;
  status: 200 | 201 | 202;
  /** JSON text. */
  body: string;
};

export interface IdempotencyStore {
  find(claim: IdempotencyClaim): Promise<StoredAnswer | null>;
}

export interface Idempotency {
  /**
   * Answers a request once. `work` hands the claim to a ledger operation, whose batch stores the
   * same answer that `work` returns; an answer of failure is not stored, so it can be tried again.
   */
  answer(
    c: Context<EdgeEnv>,
    scope: { did: string; raw: Uint8Array },
    work: (claim: IdempotencyClaim) => Promise<Response>,
  ): Promise<Response>;
}

/** 1 to 255 visible characters, bare or as the draft's quoted string. */
const KEY = /^"?([\x21\x23-\x5b\x5d-\x7e]{1,255})"?$/;

export function readIdempotencyKey(header: string | undefined): string | null {
  return header === undefined ? null : (KEY.exec(header)?.[1] ?? null);
}

export function createIdempotency(store: IdempotencyStore): Idempotency {
  /** Keys this worker is working on; another worker's race is decided by the ledger's batch. */
  const inProgress = new Set<string>();
  return {
    async answer(c, { did, raw }, work) {
      const header = c.req.header('idempotency-key');
      if (header === undefined) return fail(c, 'idempotency-key-missing');
      const key = readIdempotencyKey(header);
      if (key === null) return fail(c, 'idempotency-key-invalid');
      const route = `${c.req.method} ${c.req.path}`;
      const claim = { did, route, key, request: sha256Base64url(raw) };
      const name = `${did} ${route} ${key}`;
      if (inProgress.has(name)) return fail(c, 'idempotency-in-progress');
      inProgress.add(name);
      try {
        const stored = await store.find(claim);
        if (stored !== null) return replay(c, claim, stored);
        const answer = await work(claim);
        if (answer.status < 400) return answer;
        // The same request may have won the race in another worker.
        const raced = await store.find(claim);
        return raced === null ? answer : replay(c, claim, raced);
      } finally {
        inProgress.delete(name);
      }
    },
  };
}

function replay(c: Context<EdgeEnv>, claim: IdempotencyClaim, stored: StoredAnswer): Response {
  if (stored.request !== claim.request) return fail(c, 'idempotency-mismatch');
  c.set('problem', undefined);
  c.header('idempotency-replayed', 'true');
  c.header('cache-control', 'no-store');
  c.header('content-type', 'application/json');
  return c.body(stored.body, stored.status);
}
