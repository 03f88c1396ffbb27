import type { z } from 'zod';
import type { ProblemCode } from './problem.ts';

/** Whether a route's caller signs the HTTP request: `input.signer` is its DID, or null. */
export type Signed = 'none' | 'optional' | 'required';

export type AnswerSpec = {
  description: string;
  schema?: z.ZodType;
  /** application/json unless it says otherwise. */
  mediaType?: string;
};

/** One route: what it takes, what it answers, and what the OpenAPI document says about it. */
export type RouteSpec<P, Q, B, S extends Signed> = {
  method: 'get' | 'post' | 'put';
  /** OpenAPI form: `/v1/tasks/{task}`. */
  path: string;
  tag: string;
  summary: string;
  description?: string;
  /** Path parameters; a strictObject of text. */
  params?: z.ZodType<P>;
  /** Query parameters; a strictObject of optional text. */
  query?: z.ZodType<Q>;
  /** A JSON body. */
  body?: z.ZodType<B>;
  /** Bytes of the body; REQUEST_BYTES_MAX for JSON unless it says otherwise. */
  bodyBytesMax?: number;
  /** A body of raw bytes instead of JSON. */
  bytes?: boolean;
  signed?: S;
  /** Requests that one worker works on at a time, where each holds much memory; else `busy`. */
  inFlightMax?: number;
  /** The route takes an Idempotency-Key. */
  idempotent?: boolean;
  answers: Readonly<Record<number, AnswerSpec>>;
  /** Codes of its own; those of every route stand in the document anyway. */
  failures?: readonly ProblemCode[];
};

/** Any route, for lists of them. */
export type AnyRouteSpec = RouteSpec<unknown, unknown, unknown, Signed>;

/** What a handler is given: everything checked. */
export type RouteInput<P, Q, B, S extends Signed> = {
  params: P;
  query: Q;
  body: B;
  /** The body's bytes as they came. */
  raw: Uint8Array<ArrayBuffer>;
  signer: S extends 'required' ? string : S extends 'optional' ? string | null : null;
};
