import { encodeBase64url, type Signer, signRequest } from '@zerostate/shared';
import { ATTEMPT_MS_MAX, ATTEMPTS_MAX, RETRY_PAUSE_MS_MAX, RETRY_PAUSE_MS_MIN } from '../limits.ts';
import type { Clock, Fetch, Rng, Timers } from '../ports.ts';
import { readProblem } from './answer.ts';
import { type EdgeFailure, type EdgeResult, failure } from './outcome.ts';
import { pause } from './pause.ts';

export interface TransportOptions {
  /**
   * Origin of the edge, with or without a path below which it lives. A function names the one that
   * the next attempt goes to, and may throw where there is none.
   */
  url: string | (() => Promise<string>);
  signer?: Signer | undefined;
  fetch: Fetch;
  clock: Clock;
  rng: Rng;
  timers: Timers;
}

/**
 * One logical operation. Each may be attempted again: reads change nothing, signed objects carry
 * their id, and what moves value otherwise carries one idempotency key for all attempts.
 */
export interface Call {
  method: 'GET' | 'POST' | 'PUT';
  /** Below the edge's URL, with its query. */
  path: string;
  body?: { bytes: Uint8Array<ArrayBuffer>; type: string };
  /** Who asks: `private` needs a signature, `signed` carries one if there is a key, `public` none. */
  access: 'public' | 'signed' | 'private';
  idempotencyKey?: string | undefined;
  /** How long the edge may hold the request until something changes. */
  waitMs?: number | undefined;
  signal?: AbortSignal | undefined;
}

export type Reader<T> = (response: Response) => Promise<EdgeResult<T>>;

export interface Transport {
  send<T>(call: Call, read: Reader<T>): Promise<EdgeResult<T>>;
}

/** Sends requests: signed afresh at each attempt, timed, repeated where that can help. */
export function createTransport(options: TransportOptions): Transport {
  return {
    async send(call, read) {
      const signer = call.access === 'public' ? undefined : options.signer;
      if (call.access === 'private' && signer === undefined) return failure('identity-missing');
      for (let attempt = 1; ; attempt++) {
        const tried = await attemptOnce(options, call, signer, read);
        if (tried.result.ok || tried.pauseMs === null || attempt >= ATTEMPTS_MAX) {
          return tried.result;
        }
        const pauseMs = Math.max(tried.pauseMs, RETRY_PAUSE_MS_MIN * 2 ** (attempt - 1));
        if (pauseMs > RETRY_PAUSE_MS_MAX) return tried.result;
        if (!(await pause(options.timers, pauseMs, call.signal))) return failure('aborted');
      }
    },
  };
}

/** A result, and the pause after which another attempt may go better; null when none will. */
type Attempt<T> = { result: EdgeResult<T>; pauseMs: number | null };

async function attemptOnce<T>(
  options: TransportOptions,
  call: Call,
  signer: Signer | undefined,
  read: Reader<T>,
): Promise<Attempt<T>> {
  if (call.signal?.aborted) return { result: failure('aborted'), pauseMs: null };
  const abort = new AbortController();
  const onAbort = () => abort.abort();
  call.signal?.addEventListener('abort', onAbort, { once: true });
  let late = false;
  const cancel = options.timers.after(ATTEMPT_MS_MAX + (call.waitMs ?? 0), () => {
    late = true;
    abort.abort();
  });
  try {
    const base = typeof options.url === 'string' ? options.url : await options.url();
    const url = new URL(call.path, base.endsWith('/') ? base : `${base}/`).href;
    const init = await requestOf(options, call, url, signer, abort.signal);
    const response = await options.fetch(url, init);
    // Inside the timer: a body that trickles is as late as an answer that never comes.
    if (response.ok) return { result: await read(response), pauseMs: null };
    const problem = await readProblem(response);
    return { result: problem, pauseMs: pauseAsked(response, problem) };
  } catch (cause) {
    // What was late once is likely late again, and has cost its whole time already.
    const pauseMs = late || call.signal?.aborted ? null : 0;
    return { result: lost(cause, call.signal, late), pauseMs };
  } finally {
    cancel();
    call.signal?.removeEventListener('abort', onAbort);
  }
}

function lost(cause: unknown, signal: AbortSignal | undefined, late: boolean): EdgeFailure {
  if (signal?.aborted) return failure('aborted');
  if (late) return failure('edge-timeout', 'no answer in time');
  return failure('edge-unreachable', reasonOf(cause));
}

/** Fetch hides the operating system's word (ECONNREFUSED) in the cause of its TypeError. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && 'code' in cause) return `${error.message} (${String(cause.code)})`;
  return error.message;
}

/** A copy of this request, made by an earlier attempt or on the way, was there first. */
const MEETS_ITSELF = ['idempotency-in-progress', 'nonce-reused'];

/**
 * ms that a busy edge asks for (RFC 9110 section 10.2.3, in seconds); null when it is not busy. A
 * request that meets itself comes back soon, signed afresh, for the answer that its copy got.
 */
function pauseAsked(response: Response, problem: EdgeResult<never>): number | null {
  if (!problem.ok && MEETS_ITSELF.includes(problem.code)) return 0;
  if (response.status !== 429 && response.status !== 503) return null;
  const header = response.headers.get('retry-after');
  return header !== null && /^[0-9]{1,6}$/.test(header) ? Number(header) * 1000 : null;
}

async function requestOf(
  options: TransportOptions,
  call: Call,
  url: string,
  signer: Signer | undefined,
  signal: AbortSignal,
): Promise<RequestInit> {
  const headers: Record<string, string> = { accept: 'application/json' };
  if (call.body !== undefined) headers['content-type'] = call.body.type;
  if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
  if (signer !== undefined) {
    const nonce = call.method === 'POST' ? encodeBase64url(options.rng.bytes(16)) : undefined;
    const signed = await signRequest({
      method: call.method,
      url,
      body: call.body?.bytes,
      now: options.clock.now(),
      nonce,
      signer,
    });
    Object.assign(headers, signed);
  }
  // Not followed: a redirect would carry the signature to a host it was not made for.
  const init: RequestInit = { method: call.method, headers, signal, redirect: 'manual' };
  return call.body === undefined ? init : { ...init, body: call.body.bytes };
}
