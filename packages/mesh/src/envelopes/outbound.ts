import { type Did, err, ok, type Result } from '@zerostate/shared';
import type { Counters } from '../counters.ts';
import { deadline } from '../deadline.ts';
import { encodeFrame, FrameReader } from '../frames.ts';
import type { Health } from '../health/score.ts';
import {
  CHUNK_BYTES,
  ENVELOPE_HEAD_BYTES_MAX,
  HOP_BYTES_PER_S_MIN,
  HOP_SILENCE_MS,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { PeerStream, Wire } from '../ports.ts';
import { ROUTING_LIMITS } from '../routing/limits.ts';
import type { Router } from '../routing/router.ts';
import type { Envelope } from './envelope.ts';
import { decodeWord, encodeOffer, type RouteCode, type Word } from './hop.ts';
import type { Lanes } from './lanes.ts';

export const ROUTE_PROTOCOL = '/zerostate/route/1.0.0';

export interface OutboundParts {
  wire: Wire;
  ports: MeshPorts;
  counters: Counters;
  router: Router;
  lanes: Lanes;
  health: (peer: Did) => Health | null;
  /** A send to this neighbour failed. */
  failed: (peer: Did) => void;
  /** The neighbour that an envelope of this id came from. */
  cameFrom: (id: string) => Did | undefined;
}

/** How far an envelope has come. */
export interface Way {
  /** Nodes that it has passed, the author first; empty at the author. */
  passed: readonly Did[];
  /** Neighbours not to hand it to, unless there is nobody else. */
  avoid?: ReadonlySet<Did>;
  /** When its time is over, ms since the epoch by this node's clock. */
  until: number;
  signal: AbortSignal;
}

/** The neighbour did not keep to the exchange, or was not there: it is passed by for a while. */
type Handed = Result<void, RouteCode | 'hop-failed'>;

/** What the recipient itself says: no other way changes it. */
const FINAL = new Set<RouteCode | 'hop-failed'>([
  'envelope-unreadable',
  'envelope-early',
  'envelope-forged',
  'expired',
]);

/** Hands envelopes to neighbours, the next when one fails, until one has brought it there. */
export class Outbound {
  readonly #parts: OutboundParts;

  constructor(parts: OutboundParts) {
    this.#parts = parts;
  }

  /** Resolves once the recipient has it, with the neighbour that it went by. */
  async forward(envelope: Envelope, way: Way): Promise<Result<Did, RouteCode>> {
    const { wire, ports } = this.#parts;
    const { to } = envelope.head;
    const closed = new Set<Did>([wire.did, ...way.passed]);
    let why: RouteCode = this.isTooFar(to, way.passed.length) ? 'hops-exhausted' : 'no-route';
    for (;;) {
      if (way.signal.aborted || ports.clock.now() >= way.until) return err('expired');
      const next = this.next(envelope.head, closed, way);
      if (next === undefined) return err(why);
      closed.add(next);
      if (this.#isSuspected(next)) {
        this.#parts.failed(next);
        continue;
      }
      const handed = await this.#hand(next, envelope, way);
      // The recipient says that it has it already: it came another way.
      if (handed.ok || (next === to && handed.code === 'repeated')) return ok(next);
      if (next === to && FINAL.has(handed.code)) return err(codeOf(handed.code));
      if (handed.code === 'hop-failed') this.#parts.failed(next);
      else if (why === 'no-route') why = handed.code;
    }
  }

  /**
   * The neighbour to hand it to now; undefined when nobody knows a way that is short enough. An
   * answer goes back the way its question came, which worked a moment ago and is the way on which
   * the asker, when it asked again, met nobody who drops what it takes.
   */
  next(
    { to, re }: Envelope['head'],
    closed: ReadonlySet<Did>,
    way: Pick<Way, 'passed' | 'avoid'>,
  ): Did | undefined {
    const { router, cameFrom, wire } = this.#parts;
    const back = re === null ? undefined : cameFrom(re);
    if (back !== undefined && !closed.has(back) && wire.isConnected(back)) return back;
    if (this.isTooFar(to, way.passed.length)) return undefined;
    const avoided = way.avoid === undefined ? closed : new Set([...closed, ...way.avoid]);
    return router.nextHop(to, avoided) ?? router.nextHop(to, closed);
  }

  /** Whether the nearest way is longer than what is left of an envelope's hops. */
  isTooFar(to: Did, taken: number): boolean {
    return taken + (this.#parts.router.hops(to) ?? 1) > ROUTING_LIMITS.hopsMax;
  }

  #isSuspected(peer: Did): boolean {
    return (this.#parts.health(peer)?.state ?? 'healthy') !== 'healthy';
  }

  async #hand(next: Did, envelope: Envelope, way: Way): Promise<Handed> {
    const { lanes, counters } = this.#parts;
    const handed = await lanes.enter(next, envelope.head.qos, async (turn): Promise<Handed> => {
      const offered = await turn(() => this.#offer(next, envelope, way));
      return offered.ok ? this.#outcome(offered.value, way) : offered;
    });
    counters.add(handed.ok ? 'route-handed-on' : `route-out-${handed.code}`);
    return handed;
  }

  /** Sends the envelope and waits until it is taken: this is what one hop takes. */
  async #offer(
    next: Did,
    envelope: Envelope,
    way: Way,
  ): Promise<Result<{ stream: PeerStream; reader: FrameReader }, RouteCode | 'hop-failed'>> {
    const { wire, ports, router } = this.#parts;
    const { head, sealed } = envelope;
    const begunAt = ports.clock.now();
    const leftMs = way.until - begunAt;
    if (leftMs <= 0 || way.signal.aborted) return err('expired');
    const patienceMs = HOP_SILENCE_MS + (sealed.length / HOP_BYTES_PER_S_MIN) * 1000;
    const limit = deadline(ports.timers, Math.min(leftMs, patienceMs), way.signal);
    try {
      const opened = await wire.open(next, ROUTE_PROTOCOL, limit.signal);
      if (!opened.ok) return this.#broken(way);
      const stream = opened.value;
      const reader = new FrameReader(stream);
      // A neighbour may refuse before it has read everything: what it says counts.
      void write(stream, this.#frame(next, envelope, way, leftMs), sealed, limit.signal);
      const word = await readWord(reader, limit.signal);
      if (word?.kind === 'taken') {
        const transfer = Math.max(0, ports.clock.now() - begunAt);
        const { waitMs: wait, remainingMs: remaining } = word;
        router.learn(head.to, next, { wait, transfer, remaining });
        return ok({ stream, reader });
      }
      stream.abort('not taken');
      return word?.kind === 'refused' ? err(word.code) : this.#broken(way);
    } finally {
      limit.cancel();
    }
  }

  /** Waits for the neighbour to say how it ended; it says every second that it still tries. */
  async #outcome(
    { stream, reader }: { stream: PeerStream; reader: FrameReader },
    way: Way,
  ): Promise<Handed> {
    const { ports } = this.#parts;
    for (;;) {
      const leftMs = way.until - ports.clock.now();
      const limit = deadline(
        ports.timers,
        Math.min(HOP_SILENCE_MS, Math.max(1, leftMs)),
        way.signal,
      );
      const word = await readWord(reader, limit.signal);
      limit.cancel();
      if (word?.kind === 'working') continue;
      if (word?.kind === 'delivered') return ok(undefined);
      stream.abort('ended');
      return word?.kind === 'refused' ? err(word.code) : this.#broken(way);
    }
  }

  /** Time that ran out for the envelope says nothing of the neighbour. */
  #broken(way: Way): Handed & { ok: false } {
    const isOver = way.signal.aborted || this.#parts.ports.clock.now() >= way.until;
    return err(isOver ? 'expired' : 'hop-failed');
  }

  #frame(next: Did, { head, signature, sealed }: Envelope, way: Way, leftMs: number): Uint8Array {
    const { router, lanes, wire } = this.#parts;
    const before = way.passed.at(-1);
    const offer = {
      head,
      signature,
      passed: [...way.passed, wire.did],
      leftMs: Math.min(leftMs, head.ttlMs),
      waitMs: before === undefined ? 0 : lanes.waitMs(before),
      remainingMs: router.remaining(head.from, new Set([next])),
      bytes: sealed.length,
    };
    return encodeFrame(encodeOffer(offer));
  }
}

function codeOf(code: RouteCode | 'hop-failed'): RouteCode {
  return code === 'hop-failed' ? 'no-route' : code;
}

async function write(
  stream: PeerStream,
  frame: Uint8Array,
  sealed: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  let written = await stream.write(frame, signal);
  for (let at = 0; written.ok && at < sealed.length; at += CHUNK_BYTES) {
    written = await stream.write(sealed.subarray(at, at + CHUNK_BYTES), signal);
  }
  if (written.ok) await stream.end(signal);
}

async function readWord(reader: FrameReader, signal: AbortSignal): Promise<Word | null> {
  const frame = await reader.frame(ENVELOPE_HEAD_BYTES_MAX, signal);
  const word = frame.ok ? decodeWord(frame.value) : frame;
  return word.ok ? word.value : null;
}
