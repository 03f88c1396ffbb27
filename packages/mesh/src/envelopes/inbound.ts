import { type Did, err, ok, type Result, type Verifier } from '@zerostate/shared';
import type { Counters } from '../counters.ts';
import { deadline } from '../deadline.ts';
import { encodeFrame, FrameReader } from '../frames.ts';
import type { Health } from '../health/score.ts';
import {
  ENVELOPE_HEAD_BYTES_MAX,
  HOP_BYTES_PER_S_MIN,
  HOP_FLOOR_MS,
  HOP_SILENCE_MS,
  HOP_WORKING_MS,
  ROUTE_BYTES_BURST,
  ROUTE_BYTES_PER_S,
  ROUTE_HELD_BYTES_MAX,
  ROUTE_PEER_BURST,
  ROUTE_PEER_BYTES_BURST,
  ROUTE_PEER_BYTES_PER_S,
  ROUTE_PEER_PER_S,
  ROUTE_STREAMS_MAX,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { PeerStream, Wire } from '../ports.ts';
import { ROUTING_LIMITS } from '../routing/limits.ts';
import type { Router } from '../routing/router.ts';
import { PeerAccounts } from '../tasks/accounts.ts';
import { Bucket } from '../tasks/bucket.ts';
import { type Envelope, envelopeId, isAuthentic } from './envelope.ts';
import { decodeOffer, encodeWord, type Offer, type RouteCode, type Word } from './hop.ts';
import type { Lanes } from './lanes.ts';
import { type Outbound, ROUTE_PROTOCOL } from './outbound.ts';
import type { Seen } from './seen.ts';

export interface InboundParts {
  wire: Wire;
  ports: MeshPorts;
  counters: Counters;
  network: string;
  verifier: Verifier;
  router: Router;
  lanes: Lanes;
  outbound: Outbound;
  /** Ids of what passed here. */
  forwarded: Seen;
  isAgreed: (peer: Did) => boolean;
  health: (peer: Did) => Health | null;
  /** Takes an envelope that is for this node. */
  deliver: (envelope: Envelope, via: Did) => Promise<Result<void, RouteCode>>;
}

/** Takes envelopes from neighbours: those for this node in, the others on to the next. */
export class Inbound {
  readonly #parts: InboundParts;
  /** What each neighbour had this node carry. */
  readonly accounts: PeerAccounts;
  readonly #carried: Bucket;
  readonly #stopping = new AbortController();
  #heldBytes: number;

  constructor(parts: InboundParts) {
    this.#parts = parts;
    const { clock } = parts.ports;
    this.accounts = new PeerAccounts(clock, {
      perS: ROUTE_PEER_PER_S,
      burst: ROUTE_PEER_BURST,
      bytesPerS: ROUTE_PEER_BYTES_PER_S,
      bytesBurst: ROUTE_PEER_BYTES_BURST,
    });
    this.#carried = new Bucket(clock, ROUTE_BYTES_PER_S, ROUTE_BYTES_BURST);
    this.#heldBytes = 0;
  }

  async start(): Promise<void> {
    const { wire } = this.#parts;
    await wire.handle(ROUTE_PROTOCOL, ROUTE_STREAMS_MAX, (stream) => this.#serve(stream));
  }

  stop(): void {
    this.#stopping.abort();
  }

  /** Bytes of envelopes that are held now. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  async #serve(stream: PeerStream): Promise<void> {
    const { ports, counters } = this.#parts;
    const limit = deadline(ports.timers, HOP_SILENCE_MS, this.#stopping.signal);
    const reader = new FrameReader(stream);
    const frame = await reader.frame(ENVELOPE_HEAD_BYTES_MAX, limit.signal);
    limit.cancel();
    if (!frame.ok) {
      counters.add(`route-in-${frame.code}`);
      return stream.abort(frame.code);
    }
    const offer = decodeOffer(frame.value);
    const leftMs = offer.ok ? offer.value.leftMs : HOP_SILENCE_MS;
    const until = ports.clock.now() + leftMs;
    const left = deadline(ports.timers, leftMs, this.#stopping.signal);
    try {
      const done = offer.ok
        ? await this.#consider(stream, reader, offer.value, until, left.signal)
        : offer;
      const word: Word = done.ok ? { kind: 'delivered' } : { kind: 'refused', code: done.code };
      if (!done.ok) counters.add(`route-in-${done.code}`);
      await stream.write(encodeFrame(encodeWord(word)), left.signal);
      await stream.end(left.signal);
    } finally {
      left.cancel();
    }
  }

  /** What is cheap comes first: most that is wrong is refused before a byte of it is held. */
  async #consider(
    stream: PeerStream,
    reader: FrameReader,
    offer: Offer,
    until: number,
    signal: AbortSignal,
  ): Promise<Result<void, RouteCode>> {
    const { wire, network, forwarded, outbound, isAgreed } = this.#parts;
    const { head, passed, bytes } = offer;
    const { peer } = stream;
    // Noise proves the last hop; the author's signature, the first.
    if (passed.at(-1) !== peer || !isAgreed(peer)) return err('envelope-invalid', 'passed');
    if (passed.includes(wire.did)) return err('loop');
    const id = envelopeId(network, head);
    const isMine = head.to === wire.did;
    if (!isMine) {
      if (passed.length >= ROUTING_LIMITS.hopsMax) return err('hops-exhausted');
      if (forwarded.has(id)) return err('repeated');
      if (outbound.next(head, new Set([wire.did, ...passed]), { passed }) === undefined) {
        return err(outbound.isTooFar(head.to, passed.length) ? 'hops-exhausted' : 'no-route');
      }
    }
    const admitted = this.accounts.admit(peer, head.qos, bytes);
    if (!admitted.ok) return err(admitted.code);
    if (!isMine && !this.#carried.take(bytes)) return err('busy');
    if (this.#heldBytes + bytes > ROUTE_HELD_BYTES_MAX) return err('busy');
    this.#heldBytes += bytes;
    try {
      const sealed = await this.#read(reader, bytes, signal);
      if (!sealed.ok) return sealed;
      const envelope = { id, head, signature: offer.signature, sealed: sealed.value };
      return await this.#take(stream, envelope, offer, until, signal);
    } finally {
      this.#heldBytes -= bytes;
    }
  }

  async #take(
    stream: PeerStream,
    envelope: Envelope,
    offer: Offer,
    until: number,
    signal: AbortSignal,
  ): Promise<Result<void, RouteCode>> {
    const { wire, network, verifier, deliver, counters } = this.#parts;
    if (!(await isAuthentic(network, envelope, verifier))) return err('envelope-forged');
    this.#learn(stream.peer, offer);
    if (envelope.head.to !== wire.did) return this.#carry(stream, envelope, offer, until, signal);
    await this.#say(stream, { kind: 'taken', waitMs: 0, remainingMs: 0 }, signal);
    const delivered = await deliver(envelope, stream.peer);
    if (delivered.ok) counters.add('route-received');
    return delivered;
  }

  async #carry(
    stream: PeerStream,
    envelope: Envelope,
    { passed, head }: Offer,
    until: number,
    signal: AbortSignal,
  ): Promise<Result<void, RouteCode>> {
    const { wire, router, lanes, outbound, forwarded, ports, counters } = this.#parts;
    if (forwarded.add(envelope.id, stream.peer) !== 'added') return err('repeated');
    const next = outbound.next(head, new Set([wire.did, ...passed]), { passed });
    const waitMs = next === undefined ? 0 : lanes.waitMs(next);
    const remainingMs = router.remaining(head.to, new Set([stream.peer]));
    await this.#say(stream, { kind: 'taken', waitMs, remainingMs }, signal);
    const stopWorking = ports.timers.every(HOP_WORKING_MS, () => {
      void this.#say(stream, { kind: 'working' }, signal);
    });
    const sent = await outbound.forward(envelope, { passed, until, signal });
    stopWorking();
    if (sent.ok) {
      counters.add('route-forwarded');
      this.accounts.sent(sent.value, head.qos, envelope.sealed.length);
      return ok(undefined);
    }
    // Nobody has it: it may come again by another way.
    forwarded.forget(envelope.id);
    return sent;
  }

  /** The envelope itself teaches the way back to its author (dual reinforcement). */
  #learn(peer: Did, { head, waitMs: wait, remainingMs: remaining }: Offer): void {
    const { router, health, wire } = this.#parts;
    if (head.from === wire.did) return;
    const transfer = Math.max(HOP_FLOOR_MS, health(peer)?.rttMs ?? HOP_FLOOR_MS);
    router.learn(head.from, peer, { wait, transfer, remaining });
  }

  async #say(stream: PeerStream, word: Word, signal: AbortSignal): Promise<void> {
    await stream.write(encodeFrame(encodeWord(word)), signal);
  }

  async #read(
    reader: FrameReader,
    length: number,
    outer: AbortSignal,
  ): Promise<Result<Uint8Array, RouteCode>> {
    const patienceMs = HOP_SILENCE_MS + (length / HOP_BYTES_PER_S_MIN) * 1000;
    const limit = deadline(this.#parts.ports.timers, patienceMs, outer);
    try {
      const sealed = await reader.bytes(length, limit.signal);
      if (sealed.ok) return sealed;
      return err(outer.aborted ? 'expired' : 'envelope-invalid', sealed.code);
    } finally {
      limit.cancel();
    }
  }
}
