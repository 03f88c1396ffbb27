import type { Ok, Problem } from '@zerostate/shared';

/** Failures that the client itself finds; every other code comes from the edge's problem. */
export type ClientCode =
  | 'edge-unreachable'
  | 'edge-timeout'
  | 'edge-answer-invalid'
  | 'aborted'
  | 'identity-missing'
  | 'blob-hash-wrong';

/** An expected failure. `code` is one of ClientCode or the edge's own (RFC 9457 extension `code`). */
export interface EdgeFailure {
  ok: false;
  code: string;
  detail?: string;
  problem?: Problem;
  /** False where the request cannot have reached anybody: nothing will come of it. */
  isSent?: false;
}

export type EdgeResult<T> = Ok<T> | EdgeFailure;

export function failure(code: ClientCode, detail?: string): EdgeFailure {
  return detail === undefined ? { ok: false, code } : { ok: false, code, detail };
}
