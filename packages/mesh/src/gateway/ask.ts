import { type Did, err, ok, type Result } from '@zerostate/shared';
import { deadline } from '../deadline.ts';
import { type FrameCode, FrameReader } from '../frames.ts';
import { GATEWAY_HEAD_BYTES_MAX, GATEWAY_MS_MAX } from '../limits.ts';
import type { Dht, OpenCode, PeerStream, Timers, Wire } from '../ports.ts';
import {
  decodeAnswer,
  decodeInfo,
  encodeHead,
  GATEWAY_PROTOCOL,
  type GatewayAnswer,
  type GatewayInfo,
  type GatewayMethod,
  gatewayKey,
  INFO_PATH,
  requestHeaders,
  writeAll,
} from './message.ts';

/** Why a gateway gave no answer of its edge. `refused`: it said so itself. */
export type GatewayCode = OpenCode | FrameCode | 'answer-invalid' | 'refused' | 'url-refused';

/** A request that a gateway did not carry. */
export class GatewayError extends Error {
  override name = 'GatewayError';
  readonly code: GatewayCode;
  readonly gateway: Did;
  /** The gateway's own code, where it refused. */
  readonly refusal: string | null;
  /** ms after which it may go better; 0 when it will not. */
  readonly retryMs: number;

  constructor(gateway: Did, code: GatewayCode, refusal: string | null = null, retryMs = 0) {
    super(`gateway ${gateway}: ${code}${refusal === null ? '' : ` ${refusal}`}`);
    this.code = code;
    this.gateway = gateway;
    this.refusal = refusal;
    this.retryMs = retryMs;
  }
}

export interface GatewayVia {
  /** The gateway. */
  did: Did;
  /** URL of its edge, as `gatewayInfo` gave it. */
  origin: string;
  timers: Pick<Timers, 'after'>;
}

type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * A `fetch` whose requests reach an edge through a gateway. Only URLs of that edge are taken. It
 * throws a GatewayError where the gateway cannot be reached or carries nothing. What it does carry
 * is the gateway's word, unless the answer is signed by somebody.
 */
export function gatewayFetch(mesh: { readonly wire: Wire }, via: GatewayVia): Fetch {
  const base = via.origin.endsWith('/') ? via.origin.slice(0, -1) : via.origin;
  return async (url, init) => {
    if (!url.startsWith(`${base}/`)) throw new GatewayError(via.did, 'url-refused');
    const method = (init.method ?? 'GET').toUpperCase();
    if (method !== 'GET' && method !== 'POST' && method !== 'PUT') {
      throw new GatewayError(via.did, 'url-refused', method);
    }
    const asked: Asked = {
      method,
      path: url.slice(base.length),
      headers: requestHeaders(new Headers(init.headers)),
      body: new Uint8Array(await new Response(init.body ?? null).arrayBuffer()),
    };
    const { head, body } = await ask(mesh.wire, via, asked, init.signal ?? undefined);
    const { status, headers } = head;
    const isBodyless = status === 204 || status === 205 || status === 304;
    return new Response(isBodyless ? null : body, { status, headers });
  };
}

/** Nodes that say in the distributed table that they are gateways to a network's ledger. */
export async function findGateways(
  mesh: { readonly wire: Wire; readonly dht: Dht },
  network: string,
  options: { timers: Pick<Timers, 'after'>; max: number; withinMs: number },
): Promise<Did[]> {
  const { signal, cancel } = deadline(options.timers, options.withinMs);
  const found = await mesh.dht.providers(gatewayKey(network), options.max, signal);
  cancel();
  if (!found.ok) return [];
  for (const { did, addresses } of found.value) await mesh.wire.learn(did, addresses);
  return found.value.map(({ did }) => did).filter((did) => did !== mesh.wire.did);
}

/** Which edge a node is a gateway to, as it says itself. */
export async function gatewayInfo(
  mesh: { readonly wire: Wire },
  did: Did,
  options: {
    timers: Pick<Timers, 'after'>;
    signal?: AbortSignal | undefined;
    withinMs?: number | undefined;
  },
): Promise<Result<GatewayInfo, GatewayCode>> {
  const asked: Asked = { method: 'GET', path: INFO_PATH, headers: {}, body: new Uint8Array() };
  try {
    const via = { did, timers: options.timers, withinMs: options.withinMs };
    const { head, body } = await ask(mesh.wire, via, asked, options.signal);
    return head.status === 200 ? decodeInfo(body) : err('answer-invalid', String(head.status));
  } catch (cause) {
    if (cause instanceof GatewayError) return err(cause.code, cause.refusal ?? undefined);
    throw cause;
  }
}

interface Asked {
  method: GatewayMethod;
  path: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

type Answered = {
  head: Extract<GatewayAnswer, { kind: 'answer' }>;
  body: Uint8Array<ArrayBuffer>;
};

async function ask(
  wire: Wire,
  via: { did: Did; timers: Pick<Timers, 'after'>; withinMs?: number | undefined },
  asked: Asked,
  outer: AbortSignal | undefined,
): Promise<Answered> {
  const withinMs = Math.min(via.withinMs ?? GATEWAY_MS_MAX, GATEWAY_MS_MAX);
  const { signal, cancel } = deadline(via.timers, withinMs, outer);
  try {
    const opened = await wire.open(via.did, GATEWAY_PROTOCOL, signal);
    if (!opened.ok) throw new GatewayError(via.did, opened.code);
    const stream = opened.value;
    const answered = await exchange(stream, via.did, asked, { signal, withinMs });
    if (!answered.ok) {
      stream.abort(answered.code);
      throw new GatewayError(via.did, answered.code, answered.detail ?? null);
    }
    void stream.end(signal);
    return answered.value;
  } finally {
    cancel();
  }
}

/** Writes the request and reads its answer. This side stays open until then: its end says that
 * nobody waits any more. */
async function exchange(
  stream: PeerStream,
  gateway: Did,
  { method, path, headers, body }: Asked,
  { signal, withinMs }: { signal: AbortSignal; withinMs: number },
): Promise<Result<Answered, GatewayCode>> {
  const head = encodeHead({ method, path, headers, bytes: body.length, within_ms: withinMs });
  // A gateway may refuse before it has read everything: its answer says why.
  const writing = writeAll(stream, head, body, signal);
  const reader = new FrameReader(stream);
  const frame = await reader.frame(GATEWAY_HEAD_BYTES_MAX, signal);
  if (!frame.ok) {
    const written = await writing;
    return written.ok ? frame : written;
  }
  const answer = decodeAnswer(frame.value);
  if (!answer.ok) return answer;
  if (answer.value.kind === 'error') {
    const { code, retry_ms: retryMs } = answer.value;
    stream.abort(code);
    throw new GatewayError(gateway, 'refused', code, retryMs);
  }
  const bytes = await reader.bytes(answer.value.bytes, signal);
  return bytes.ok ? ok({ head: answer.value, body: new Uint8Array(bytes.value) }) : bytes;
}
