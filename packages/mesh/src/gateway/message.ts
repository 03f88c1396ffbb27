/**
 * A gateway carries requests of others to the edge that its node speaks to. One stream, one
 * request: a frame with method, path and headers, the body after it, and the answer likewise.
 * Nothing that a peer sends chooses a host, a path outside the API or a header of the node's own.
 */
import {
  err,
  fromUtf8,
  isDid,
  isNetworkId,
  ok,
  parseJson,
  type Result,
  utf8,
} from '@zerostate/shared';
import { encodeFrame } from '../frames.ts';
import {
  CHUNK_BYTES,
  GATEWAY_BODY_BYTES_MAX,
  GATEWAY_HEADER_CHARS_MAX,
  GATEWAY_MS_MAX,
  GATEWAY_PATH_CHARS_MAX,
} from '../limits.ts';
import type { PeerStream, StreamCode } from '../ports.ts';

export const GATEWAY_PROTOCOL = '/zerostate/gateway/1.0.0';

/** Who is a gateway to a network's ledger, in the distributed table. */
export function gatewayKey(network: string): Uint8Array {
  return utf8(`zs-gateway\n${network}`);
}

/** Asks the gateway itself which edge it speaks to. */
export const INFO_PATH = '/';

const METHODS = ['GET', 'POST', 'PUT'] as const;
export type GatewayMethod = (typeof METHODS)[number];

export interface GatewayRequest {
  method: GatewayMethod;
  /** `/v1/…` with its query. */
  path: string;
  headers: Record<string, string>;
  /** Bytes that follow the frame. */
  bytes: number;
  /** How long the asker waits, ms. */
  within_ms: number;
}

export type GatewayAnswer =
  | { kind: 'answer'; status: number; headers: Record<string, string>; bytes: number }
  /** The gateway's own word: the edge was not asked, or its answer cannot be carried. */
  | { kind: 'error'; code: string; detail: string; retry_ms: number };

/** The edge of a gateway, as the gateway says. */
export interface GatewayInfo {
  /** URL of the edge: requests are signed for it. */
  origin: string;
  network: string;
  /** DID of the edge's key. */
  edge: string;
}

export type RequestCode = 'request-invalid' | 'method-refused' | 'path-refused' | 'header-refused';

/** What an edge reads of a request. Who asks is in the signature, never in a header of the node. */
const REQUEST_HEADERS: ReadonlySet<string> = new Set([
  'accept',
  'accept-signature',
  'content-digest',
  'content-type',
  'idempotency-key',
  'if-none-match',
  'signature',
  'signature-input',
  'traceparent',
  'x-request-id',
]);

const ANSWER_HEADERS: ReadonlySet<string> = new Set([
  'cache-control',
  'content-digest',
  'content-type',
  'etag',
  'idempotency-replayed',
  'ratelimit',
  'ratelimit-policy',
  'retry-after',
  'signature',
  'signature-input',
  'traceparent',
  'x-request-id',
]);

/**
 * What an edge does for its own machine or its own sockets alone: play money is for visitors of a
 * loopback listener, and a link is not a request.
 */
const PRIVATE_PATHS = /^\/v1\/(faucet|link)(?![A-Za-z0-9_-])/i;

const PATH = /^\/v1\/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*$/;
/** Visible ASCII and blanks between it (RFC 9110 section 5.5): no line of a second request fits. */
const HEADER_VALUE = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/;

export function encodeHead(head: GatewayRequest | GatewayAnswer): Uint8Array {
  return utf8(JSON.stringify(head));
}

/** A request from outside: every member checked, nothing else in it. */
export function decodeRequest(frame: Uint8Array): Result<GatewayRequest, RequestCode> {
  const read = objectOf(frame);
  if (read === null) return err('request-invalid', 'not an object');
  const { method, path, headers, bytes, within_ms: withinMs, ...rest } = read;
  const [unknown] = Object.keys(rest);
  if (unknown !== undefined) return err('request-invalid', unknown.slice(0, 64));
  const known = METHODS.find((one) => one === method);
  if (known === undefined) return err('method-refused', String(method).slice(0, 64));
  if (typeof path !== 'string' || path.length > GATEWAY_PATH_CHARS_MAX) {
    return err('path-refused', 'not a path');
  }
  const isInfo = path === INFO_PATH && known === 'GET';
  if (!isInfo && (!PATH.test(path) || PRIVATE_PATHS.test(path))) {
    return err('path-refused', path.slice(0, 200));
  }
  if (!isRecord(headers)) return err('request-invalid', 'headers');
  for (const [name, value] of Object.entries(headers)) {
    if (!REQUEST_HEADERS.has(name) || !isHeaderValue(value)) {
      return err('header-refused', name.slice(0, 64));
    }
  }
  const isLength = isCount(bytes, GATEWAY_BODY_BYTES_MAX) && (known !== 'GET' || bytes === 0);
  if (!isLength) return err('request-invalid', 'bytes');
  if (!isCount(withinMs, GATEWAY_MS_MAX) || withinMs === 0) {
    return err('request-invalid', 'within_ms');
  }
  // Checked above, value by value.
  const checked = headers as Record<string, string>;
  return ok({ method: known, path, headers: checked, bytes, within_ms: withinMs });
}

/**
 * The URL of a path at an edge; null when a URL's rules would make another one of it: `..` in any
 * spelling leads out of the API.
 */
export function targetOf(origin: string, path: string): string | null {
  const base = origin.endsWith('/') ? origin.slice(0, -1) : origin;
  const target = `${base}${path}`;
  return URL.canParse(target) && new URL(target).href === target ? target : null;
}

/** An answer from a gateway. Headers that no edge needs are left out. */
export function decodeAnswer(frame: Uint8Array): Result<GatewayAnswer, 'answer-invalid'> {
  const read = objectOf(frame);
  if (read === null) return err('answer-invalid', 'not an object');
  const { kind, status, headers, bytes, code, detail, retry_ms: retryMs } = read;
  if (kind === 'error') {
    if (typeof code !== 'string' || !/^[a-z0-9][a-z0-9-]{0,63}$/.test(code)) {
      return err('answer-invalid', 'code');
    }
    const said = typeof detail === 'string' ? detail.slice(0, 1_024) : '';
    return ok({ kind, code, detail: said, retry_ms: isCount(retryMs, 86_400_000) ? retryMs : 0 });
  }
  if (kind !== 'answer') return err('answer-invalid', 'kind');
  if (!isCount(status, 599) || status < 200) return err('answer-invalid', 'status');
  if (!isCount(bytes, GATEWAY_BODY_BYTES_MAX)) return err('answer-invalid', 'bytes');
  if (!isRecord(headers)) return err('answer-invalid', 'headers');
  return ok({ kind, status, headers: answerHeaders(Object.entries(headers)), bytes });
}

/** What of an answer's headers is carried. */
export function answerHeaders(headers: Iterable<[string, unknown]>): Record<string, string> {
  const carried: Record<string, string> = {};
  for (const [name, value] of headers) {
    if (ANSWER_HEADERS.has(name) && isHeaderValue(value)) carried[name] = value;
  }
  return carried;
}

/** What of a request's headers is carried; a gateway refuses the others. */
export function requestHeaders(headers: Iterable<[string, string]>): Record<string, string> {
  const carried: Record<string, string> = {};
  for (const [name, value] of headers) if (REQUEST_HEADERS.has(name)) carried[name] = value;
  return carried;
}

export function decodeInfo(body: Uint8Array): Result<GatewayInfo, 'answer-invalid'> {
  const read = objectOf(body);
  const { origin, network, edge } = read ?? {};
  const isUrl = typeof origin === 'string' && origin.length <= 512 && /^https?:\/\//.test(origin);
  if (!isUrl || !URL.canParse(origin)) return err('answer-invalid', 'origin');
  if (typeof network !== 'string' || !isNetworkId(network)) return err('answer-invalid', 'network');
  if (typeof edge !== 'string' || !isDid(edge)) return err('answer-invalid', 'edge');
  return ok({ origin, network, edge });
}

/** Writes a head and its body in pieces. */
export async function writeAll(
  stream: PeerStream,
  head: Uint8Array,
  body: Uint8Array,
  signal: AbortSignal,
): Promise<Result<void, StreamCode>> {
  const begun = await stream.write(encodeFrame(head), signal);
  if (!begun.ok) return begun;
  for (let at = 0; at < body.length; at += CHUNK_BYTES) {
    const written = await stream.write(body.subarray(at, at + CHUNK_BYTES), signal);
    if (!written.ok) return written;
  }
  return ok(undefined);
}

function isHeaderValue(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.length <= GATEWAY_HEADER_CHARS_MAX &&
    HEADER_VALUE.test(value)
  );
}

function objectOf(frame: Uint8Array): Record<string, unknown> | null {
  const text = fromUtf8(frame);
  if (!text.ok) return null;
  const json = parseJson(text.value, 4);
  return json.ok && isRecord(json.value) ? json.value : null;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max;
}
