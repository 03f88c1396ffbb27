import { encodeBase64url, utf8 } from '@zerostate/shared';
import type { Rng } from '../ports.ts';
import { readJson, type Schema } from './answer.ts';
import type { EdgeResult } from './outcome.ts';
import type { Call, Transport } from './transport.ts';

type GetOptions = { signal?: AbortSignal | undefined; waitMs?: number | undefined };
type PostOptions = GetOptions & { idempotencyKey?: string | undefined };

/** The three kinds of JSON request that the API has. */
export interface Requests {
  get<T>(
    path: string,
    answer: Schema<T>,
    options?: GetOptions,
    access?: Call['access'],
  ): Promise<EdgeResult<T>>;
  /** A POST that its signed content makes idempotent, or that changes nothing. */
  post<T>(
    path: string,
    body: unknown,
    answer: Schema<T>,
    options?: PostOptions,
    access?: Call['access'],
  ): Promise<EdgeResult<T>>;
  /** A POST with one Idempotency-Key for all its attempts. */
  postKeyed: Requests['post'];
}

export function createRequests(transport: Transport, rng: Rng): Requests {
  const post: Requests['post'] = (path, body, answer, options, access = 'signed') =>
    transport.send(
      {
        method: 'POST',
        path,
        body: { bytes: utf8(JSON.stringify(body)), type: 'application/json' },
        access,
        idempotencyKey: options?.idempotencyKey,
        signal: options?.signal,
        waitMs: options?.waitMs,
      },
      (response) => readJson(response, answer),
    );
  return {
    get: (path, answer, options, access = 'public') =>
      transport.send(
        { method: 'GET', path, access, signal: options?.signal, waitMs: options?.waitMs },
        (response) => readJson(response, answer),
      ),
    post,
    postKeyed: (path, body, answer, options, access) => {
      const idempotencyKey = options?.idempotencyKey ?? encodeBase64url(rng.bytes(16));
      return post(path, body, answer, { ...options, idempotencyKey }, access);
    },
  };
}

/** `?a=1&b=2` of the members that are there, or nothing. */
export function query(members: Record<string, string | number | undefined>): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(members)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return text === '' ? '' : `?${text}`;
}
