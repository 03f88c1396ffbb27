/** RFC 9457 problem details: one exhaustive table from codes to answers. */
import type { Problem } from '@zerostate/shared';
import type { Context } from 'hono';
import { LEDGER_PROBLEMS } from '../ledger/problems.ts';
import type { EdgeEnv } from './env.ts';

type Kind = { readonly status: ProblemStatus; readonly title: string };
type ProblemStatus =
  | 400
  | 401
  | 402
  | 403
  | 404
  | 405
  | 408
  | 409
  | 410
  | 413
  | 415
  | 422
  | 426
  | 429
  | 500
  | 503;

/** Codes are stable: programs switch on them. A code without a row does not compile. */
const PROBLEMS = {
  // the request as HTTP
  'invalid-request': { status: 400, title: 'The request is not of the described shape' },
  'json-invalid': { status: 400, title: 'The body is not JSON' },
  'json-depth': { status: 400, title: 'The JSON nests too deep' },
  'json-duplicate-key': { status: 400, title: 'A JSON member is named twice' },
  'json-forbidden-key': { status: 400, title: 'A JSON member has a forbidden name' },
  'json-number': { status: 400, title: 'A JSON number is out of range' },
  'json-surrogate': { status: 400, title: 'A JSON text holds a lone surrogate' },
  'utf8-invalid': { status: 400, title: 'The body is not UTF-8' },
  'body-incomplete': { status: 400, title: 'The body is shorter or longer than announced' },
  'body-timeout': { status: 408, title: 'The body did not arrive in time' },
  'body-too-large': { status: 413, title: 'The body is too large' },
  'media-type-unsupported': { status: 415, title: 'The content type is not one this route reads' },
  'not-found': { status: 404, title: 'There is nothing here' },
  'method-not-allowed': { status: 405, title: 'This resource has no such method' },
  'upgrade-required': { status: 426, title: 'This route speaks WebSocket' },
  'rate-limited': { status: 429, title: 'Too many requests' },
  'internal-error': { status: 500, title: 'The edge made a mistake' },
  busy: { status: 503, title: 'Try again a little later' },
  'storage-unavailable': { status: 503, title: 'The storage does not answer' },
  'not-ready': { status: 503, title: 'This edge is not ready' },
  // HTTP message signatures
  'signature-missing': { status: 401, title: 'This request must be signed' },
  'signature-malformed': { status: 401, title: 'The request signature is not of the known form' },
  'signature-expired': { status: 401, title: 'The request signature is too old or too new' },
  'content-digest-wrong': { status: 401, title: 'The content digest does not cover this body' },
  'nonce-missing': { status: 401, title: 'A signed POST carries a nonce' },
  'nonce-reused': { status: 409, title: 'This nonce was used before' },
  // links
  'message-unknown': { status: 400, title: 'There is no such message' },
  'answer-repeated': { status: 409, title: 'This answer is known already' },
  // idempotency
  'idempotency-key-missing': { status: 400, title: 'This request needs an Idempotency-Key' },
  'idempotency-key-invalid': { status: 400, title: 'The Idempotency-Key is not readable' },
  'idempotency-in-progress': { status: 409, title: 'The same request is still being answered' },
  'idempotency-mismatch': { status: 422, title: 'This key was used for another request' },
  // signed envelopes
  'envelope-invalid': { status: 400, title: 'Not a signed envelope' },
  'type-wrong': { status: 400, title: 'The envelope is of another type' },
  'body-invalid': { status: 400, title: 'The signed body is not of its type' },
  'not-canonical': { status: 400, title: 'The signed body is not canonical' },
  'duplicate-signer': { status: 400, title: 'One signer signed twice' },
  'signer-missing': { status: 403, title: 'A signature that is needed is missing' },
  'signer-unexpected': { status: 403, title: 'Somebody signed who has no part in this' },
  'signature-invalid': { status: 401, title: 'A signature does not verify' },
  'account-unfunded': { status: 403, title: 'A DID without money here keeps one card, no more' },
  forbidden: { status: 403, title: 'This is not for you' },
  // cards and search
  'card-invalid': { status: 422, title: 'The agent card is not valid' },
  'card-too-large': { status: 413, title: 'The agent card is too large' },
  'card-extension-missing': { status: 422, title: 'The card has no executor extension' },
  'card-binding-missing': { status: 422, title: 'The card offers no task binding' },
  'card-program-skill': { status: 422, title: 'A program names no skill of its own' },
  'card-unsigned': { status: 422, title: 'The card carries no signature' },
  'card-signature-header': { status: 422, title: 'The card signature has an unknown header' },
  'card-signature-key': { status: 422, title: 'The card is signed with another key' },
  'card-signature-invalid': { status: 422, title: 'The card signature does not verify' },
  'record-hash': { status: 422, title: 'The record names another card' },
  'record-period': { status: 422, title: 'The record ends before it begins' },
  'record-expired': { status: 422, title: 'The record has expired' },
  'record-from-future': { status: 422, title: 'The record is issued ahead of this clock' },
  'card-stale': { status: 409, title: 'A newer record is published' },
  'card-equivocation': { status: 409, title: 'This seq is published with another record' },
  'card-lifetime': { status: 422, title: 'The record lives longer than this DID may ask for' },
  'card-limit': { status: 409, title: 'This DID has as many cards as it may have' },
  'card-unknown': { status: 404, title: 'No such card' },
  'query-empty': { status: 400, title: 'Say what is wanted in words, or filter' },
  'query-too-long': { status: 400, title: 'The query is too long' },
  'k-out-of-range': { status: 400, title: 'k is out of range' },
  'filter-unknown': { status: 400, title: 'There is no such filter' },
  'filter-invalid': { status: 400, title: 'A filter has no usable value' },
  'weight-invalid': { status: 400, title: 'A weight is out of range' },
  'cursor-stale': { status: 410, title: 'The list changed under this cursor: begin again' },
  'cursor-invalid': { status: 400, title: 'The cursor is not one of this list' },
  // tasks
  'task-unknown': { status: 404, title: 'No such task' },
  'task-exists': { status: 409, title: 'This task was submitted with other terms' },
  'task-terms': { status: 422, title: 'Manifest and condition do not belong together' },
  'task-expired': { status: 422, title: 'The task may not start any more' },
  'task-state': { status: 409, title: 'The task is not in a state that allows this' },
  'task-input-missing': { status: 422, title: 'Put the input before the task' },
  'task-input-wrong': { status: 422, title: 'The input is not the one the manifest names' },
  'output-wrong': { status: 422, title: 'The output is not the one the receipt names' },
  'receipt-equivocation': { status: 409, title: 'Another receipt of this task is stored' },
  'agent-unknown': { status: 404, title: 'The executor has no such live agent' },
  // blobs
  'blob-unknown': { status: 404, title: 'No such blob' },
  'blob-hash-wrong': { status: 422, title: 'The bytes have another hash' },
  'blob-quota': { status: 413, title: 'This DID keeps as much as it may keep' },
  // channels that a task needs
  'channel-unknown': { status: 404, title: 'No such channel' },
  'channel-not-active': { status: 409, title: 'The channel takes no new work' },
  'channel-not-party': { status: 403, title: 'Not a party of this channel' },
  // money
  ...LEDGER_PROBLEMS,
} as const satisfies Record<string, Kind>;

export type ProblemCode = keyof typeof PROBLEMS;

export function isProblemCode(code: string): code is ProblemCode {
  return Object.hasOwn(PROBLEMS, code);
}

export function statusOf(code: ProblemCode): ProblemStatus {
  return PROBLEMS[code].status;
}

export type ProblemExtra = Pick<Problem, 'errors' | 'offset' | 'retry_ms'>;

/** The problem as a document, for answers that are not made by a route. */
export function problemOf(
  code: ProblemCode,
  about: { requestId?: string | undefined; instance?: string; detail?: string | undefined },
  extra: ProblemExtra = {},
): Problem {
  const { status, title } = PROBLEMS[code];
  const { requestId, instance, detail } = about;
  return {
    type: `urn:zerostate:problem:${code}`,
    title,
    status,
    code,
    ...(detail === undefined ? {} : { detail: detail.slice(0, 1024) }),
    ...(instance === undefined ? {} : { instance }),
    ...(requestId === undefined ? {} : { requestId }),
    ...extra,
  };
}

/** Answers a failure as application/problem+json. */
export function fail(
  c: Context<EdgeEnv>,
  code: ProblemCode,
  detail?: string,
  extra: ProblemExtra = {},
): Response {
  const problem = problemOf(
    code,
    { requestId: c.get('requestId'), instance: c.req.path, detail },
    extra,
  );
  c.set('problem', code);
  c.header('cache-control', 'no-store');
  c.header('content-type', 'application/problem+json');
  if (extra.retry_ms !== undefined) {
    c.header('retry-after', String(Math.ceil(extra.retry_ms / 1000)));
  } else if (problem.status === 503) c.header('retry-after', '1');
  return c.body(JSON.stringify(problem), PROBLEMS[code].status);
}
