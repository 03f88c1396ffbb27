import {
  concat,
  err,
  networkAnswerSchema,
  ok,
  parseJson,
  type Result,
  utf8,
} from '@zerostate/shared';
import type { Counters } from '../counters.ts';
import { deadline } from '../deadline.ts';
import { FrameReader } from '../frames.ts';
import {
  DHT_MS,
  GATEWAY_BODY_BYTES_MAX,
  GATEWAY_HEAD_BYTES_MAX,
  GATEWAY_MS_MAX,
  GATEWAY_STREAMS_MAX,
  GATEWAY_TOLD_SOON_MS,
  REPUBLISH_MS,
  TASK_EXCHANGE_MS,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { Dht, PeerStream, Wire } from '../ports.ts';
import type { PeerAccounts } from '../tasks/accounts.ts';
import { Admission, type Room } from './admission.ts';
import {
  answerHeaders,
  decodeRequest,
  encodeHead,
  GATEWAY_PROTOCOL,
  type GatewayInfo,
  type GatewayRequest,
  gatewayKey,
  INFO_PATH,
  targetOf,
  writeAll,
} from './message.ts';

export interface GatewayOptions {
  /** URL of the edge that this node speaks to: no request goes anywhere else. */
  origin: string;
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  ports: MeshPorts;
}

/** What a gateway needs of its node. */
export interface GatewayNode {
  readonly wire: Wire;
  readonly counters: Counters;
  readonly network: string;
  readonly dht: Dht;
  readonly stopping: AbortSignal;
  readonly tasks: { readonly accounts: PeerAccounts };
}

const NOTHING = new Uint8Array(0);
/** When an edge that was not there may be back. */
const EDGE_RETRY_MS = 5_000;

/**
 * Lets peers of the mesh reach the edge of this node. The edge sees requests of this node's
 * address that others signed; who they are, and what they may, is for the edge to say.
 */
export async function serveGateway(node: GatewayNode, options: GatewayOptions): Promise<void> {
  const gateway = new Gateway(node, options);
  await node.wire.handle(GATEWAY_PROTOCOL, GATEWAY_STREAMS_MAX, (stream) => gateway.serve(stream));
  void gateway.tell();
}

/** What came of one request. `retryMs` 0: asking again is of no use. */
type Carried =
  | { ok: true; status: number; headers: Record<string, string>; body: Uint8Array }
  | { ok: false; code: string; detail?: string; retryMs?: number };

class Gateway {
  readonly #node: GatewayNode;
  readonly #options: GatewayOptions;
  readonly #admission: Admission;

  constructor(node: GatewayNode, options: GatewayOptions) {
    this.#node = node;
    this.#options = options;
    this.#admission = new Admission(options.ports.clock);
  }

  /** Keeps it told in the table that this node is a gateway, for as long as it runs. */
  async tell(): Promise<void> {
    const { dht, network, stopping } = this.#node;
    const { timers } = this.#options.ports;
    if (stopping.aborted) return;
    const { signal, cancel } = deadline(timers, DHT_MS, stopping);
    const told = await dht.provide(gatewayKey(network), signal);
    cancel();
    if (stopping.aborted) return;
    const isTold = told.ok && told.value > 0;
    const later = timers.after(isTold ? REPUBLISH_MS : GATEWAY_TOLD_SOON_MS, () => {
      stopping.removeEventListener('abort', later);
      void this.tell();
    });
    stopping.addEventListener('abort', later, { once: true });
  }

  async serve(stream: PeerStream): Promise<void> {
    const { timers } = this.#options.ports;
    const reader = new FrameReader(stream);
    const opening = deadline(timers, TASK_EXCHANGE_MS);
    const frame = await reader.frame(GATEWAY_HEAD_BYTES_MAX, opening.signal);
    opening.cancel();
    if (!frame.ok) {
      this.#count(frame.code);
      return stream.abort(frame.code);
    }
    const request = decodeRequest(frame.value);
    const within = deadline(timers, request.ok ? request.value.within_ms : TASK_EXCHANGE_MS);
    try {
      if (!request.ok) await this.#answer(stream, request, within.signal);
      else await this.#admit(stream, reader, request.value, within.signal);
    } finally {
      within.cancel();
    }
  }

  async #admit(
    stream: PeerStream,
    reader: FrameReader,
    request: GatewayRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const admitted = this.#admission.admit(stream.peer, request.bytes);
    if (!admitted.ok) return this.#answer(stream, comeAgain(admitted), signal);
    const room = admitted.value;
    try {
      const qos = request.bytes > 0 ? 'bulk' : 'control';
      const accounted = this.#node.tasks.accounts.admit(stream.peer, qos, request.bytes);
      if (!accounted.ok) return await this.#answer(stream, comeAgain(accounted), signal);
      const body = await reader.bytes(request.bytes, signal);
      if (!body.ok) {
        this.#count(body.code);
        return stream.abort(body.code);
      }
      const carried = await this.#whileAsked(reader, signal, (asked) =>
        this.#carry(request, body.value, room, asked),
      );
      // null: whoever asked is gone.
      if (carried !== null) await this.#answer(stream, carried, signal);
    } finally {
      room.free();
    }
  }

  /** Works until it is done, the time is over or whoever asked has gone: then it is given up. */
  async #whileAsked(
    reader: FrameReader,
    signal: AbortSignal,
    work: (asked: AbortSignal) => Promise<Carried>,
  ): Promise<Carried | null> {
    const over = new AbortController();
    const giveUp = (): void => over.abort();
    signal.addEventListener('abort', giveUp, { once: true });
    // Nothing follows a request: what arrives is the end of the stream, or somebody who talks on.
    const gone = reader.some(1, over.signal).then(() => {
      const isGone = !over.signal.aborted;
      over.abort();
      return isGone;
    });
    const carried = await work(over.signal);
    over.abort();
    signal.removeEventListener('abort', giveUp);
    if (!(await gone)) return carried;
    this.#count('asker-gone');
    return null;
  }

  async #carry(
    request: GatewayRequest,
    body: Uint8Array,
    room: Room,
    signal: AbortSignal,
  ): Promise<Carried> {
    if (request.path === INFO_PATH) return this.#info(room, signal);
    const { origin } = this.#options;
    const target = targetOf(origin, request.path);
    if (target === null) return err('path-refused', request.path.slice(0, 200));
    const { method, headers } = request;
    const sent = method === 'GET' ? {} : { body: new Uint8Array(body) };
    return this.#ask(target, { method, headers, ...sent }, room, signal);
  }

  async #ask(target: string, init: RequestInit, room: Room, signal: AbortSignal): Promise<Carried> {
    const { fetch, ports } = this.#options;
    try {
      // Not followed: an edge that points elsewhere must not have this node go there.
      const response = await fetch(target, { ...init, signal, redirect: 'manual' });
      const body = await readBody(response, room);
      if (!body.ok) return body;
      const headers = answerHeaders(response.headers);
      return { ok: true, status: response.status, headers, body: body.value };
    } catch (cause) {
      if (signal.aborted) return err('deadline');
      const detail = cause instanceof Error ? cause.message : String(cause);
      ports.log.warn('edge not reached for a peer', { detail });
      // The address of the edge is the operator's business: peers are told that much and no more.
      return { ...err('edge-unreachable'), retryMs: EDGE_RETRY_MS };
    }
  }

  /** Which edge this is: asked of the edge itself, so that a node cannot be behind its time. */
  async #info(room: Room, signal: AbortSignal): Promise<Carried> {
    const { origin } = this.#options;
    const target = targetOf(origin, '/v1/network');
    const asked = await this.#ask(target ?? origin, { method: 'GET' }, room, signal);
    if (!asked.ok) return asked;
    const json = parseJson(new TextDecoder().decode(asked.body));
    const parsed = networkAnswerSchema.safeParse(json.ok ? json.value : null);
    if (!parsed.success)
      return { ...err('edge-unreachable', 'no network'), retryMs: EDGE_RETRY_MS };
    const { network, edge_did: edge } = parsed.data;
    const info: GatewayInfo = { origin, network, edge };
    const headers = { 'content-type': 'application/json' };
    return { ok: true, status: 200, headers, body: utf8(JSON.stringify(info)) };
  }

  async #answer(stream: PeerStream, carried: Carried, signal: AbortSignal): Promise<void> {
    let head: Uint8Array;
    let body: Uint8Array = NOTHING;
    if (carried.ok) {
      const { status, headers } = carried;
      body = carried.body;
      head = encodeHead({ kind: 'answer', status, headers, bytes: body.length });
      this.#count('requests');
    } else {
      const { code, detail = '', retryMs = 0 } = carried;
      const retry_ms = Number.isFinite(retryMs) ? Math.min(retryMs, GATEWAY_MS_MAX) : 0;
      head = encodeHead({ kind: 'error', code, detail, retry_ms });
      this.#count(code);
    }
    const written = await writeAll(stream, head, body, signal);
    if (!written.ok) return stream.abort(written.code);
    const qos = body.length > 0 ? 'bulk' : 'control';
    this.#node.tasks.accounts.sent(stream.peer, qos, head.length + body.length);
    await stream.end(signal);
  }

  #count(name: string): void {
    this.#node.counters.add(`gateway-${name}`);
  }
}

/** A refusal whose detail is a time to wait. */
function comeAgain({ code, detail }: { code: string; detail?: string }): Carried {
  return { ok: false, code, retryMs: Number(detail ?? 0) };
}

async function readBody(
  response: Response,
  room: Room,
): Promise<Result<Uint8Array, 'answer-too-large' | 'gateway-busy'>> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of response.body ?? []) {
    length += piece.length;
    if (length > GATEWAY_BODY_BYTES_MAX) return err('answer-too-large');
    if (!room.hold(piece.length)) return err('gateway-busy');
    pieces.push(piece);
  }
  return ok(concat(...pieces));
}
