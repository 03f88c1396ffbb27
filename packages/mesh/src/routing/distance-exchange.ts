import type { Did } from '@zerostate/shared';
import type { Counters } from '../counters.ts';
import { deadline } from '../deadline.ts';
import { encodeFrame, FrameReader } from '../frames.ts';
import type { Health } from '../health/score.ts';
import {
  DISTANCES_BURST,
  DISTANCES_MS,
  DISTANCES_PER_S,
  DISTANCES_SOON_MS,
  DISTANCES_STREAMS_MAX,
  DISTANCES_WRITE_MS,
  INTRODUCTIONS_BURST,
  INTRODUCTIONS_PER_S,
} from '../limits.ts';
import type { MeshPorts } from '../options.ts';
import type { Cancel, PeerStream, Wire } from '../ports.ts';
import { Bucket } from '../tasks/bucket.ts';
import {
  decodeVector,
  encodeVector,
  nearest,
  type ProvenDistance,
  VECTOR_BYTES_MAX,
} from './distance-vector.ts';
import type { KeyNames } from './key-names.ts';
import type { Router } from './router.ts';
import type { Sequences } from './sequences.ts';

export const DISTANCES_PROTOCOL = '/zerostate/distances/2.0.0';
/** A neighbour that says nothing for this long has its stream ended: it opens another. */
const SILENCE_MS = 8 * DISTANCES_MS;
/** After so many rounds chains are signed for everyone again: a listener may have forgotten some. */
const SIGN_AGAIN_ROUNDS = 64;

/** One neighbour's side of the exchange. */
interface Link {
  stream: PeerStream | null;
  isTelling: boolean;
  /** Vectors it may send. */
  bucket: Bucket;
  /** Signatures of chains that it was sent, and how many more it would take. */
  signed: Map<Did, Uint8Array>;
  signatures: Bucket;
}

export interface DistanceExchangeParts {
  wire: Wire;
  ports: MeshPorts;
  counters: Counters;
  router: Router;
  sequences: Sequences;
  names: KeyNames;
  /** Whether it was agreed with a connected peer that both route. */
  isAgreed: (peer: Did) => boolean;
  health: (peer: Did) => Health | null;
}

/**
 * Neighbours tell each other how far away everyone is: on a stream of its own in each direction,
 * every DISTANCES_MS, and soon after something changed. What is heard of a neighbour is also the
 * sign that it is there.
 */
export class DistanceExchange {
  readonly #parts: DistanceExchangeParts;
  readonly #links = new Map<Did, Link>();
  readonly #stopping = new AbortController();
  #isRunning: boolean;
  #told: number;
  #cancelRound: Cancel;
  #cancelSoon: Cancel | null;

  constructor(parts: DistanceExchangeParts) {
    this.#parts = parts;
    this.#isRunning = false;
    this.#told = 0;
    this.#cancelRound = () => undefined;
    this.#cancelSoon = null;
  }

  async start(): Promise<void> {
    const { wire } = this.#parts;
    this.#isRunning = true;
    await wire.handle(DISTANCES_PROTOCOL, DISTANCES_STREAMS_MAX, (stream) => this.#listen(stream));
    await this.#round();
  }

  stop(): void {
    this.#isRunning = false;
    this.#stopping.abort();
    this.#cancelRound();
    this.#cancelSoon?.();
    for (const { stream } of this.#links.values()) stream?.abort('stopped');
    this.#links.clear();
  }

  /** It was agreed with this peer that both route. */
  met(peer: Did): void {
    if (this.#join(peer) !== null) this.soon();
  }

  /** The last connection to this peer ended. */
  left(peer: Did): void {
    const { router, sequences } = this.#parts;
    this.#links.delete(peer);
    sequences.left(peer);
    router.left(peer);
    this.soon();
  }

  /** A send to this neighbour failed: it is one again when it is next heard. */
  failed(peer: Did): void {
    this.#parts.router.failed(peer);
    this.soon();
  }

  /** Tells everyone in a moment if a distance changed: what is heard until then is looked at once. */
  soon(): void {
    const { router, ports } = this.#parts;
    if (this.#cancelSoon !== null || !this.#isRunning) return;
    this.#cancelSoon = ports.timers.after(DISTANCES_SOON_MS, () => {
      this.#cancelSoon = null;
      if (router.changes !== this.#told) void this.#tellAll();
    });
  }

  async #round(): Promise<void> {
    const { router, ports, wire } = this.#parts;
    if (!this.#isRunning) return;
    const [byte = 128] = ports.rng.bytes(1);
    this.#cancelRound = ports.timers.after(
      DISTANCES_MS * (0.75 + byte / 512),
      () => void this.#round(),
    );
    const connected = new Set(wire.connections().map(({ did }) => did));
    for (const peer of this.#links.keys()) if (!connected.has(peer)) this.left(peer);
    for (const peer of connected) this.#look(peer);
    router.nextRound();
    if (router.round % SIGN_AGAIN_ROUNDS === 0) {
      for (const { signed } of this.#links.values()) signed.clear();
    }
    await this.#tellAll();
  }

  #look(peer: Did): void {
    const { router, health } = this.#parts;
    this.#join(peer);
    if (!router.isAlive(peer)) return;
    const state = health(peer)?.state ?? 'healthy';
    if (state !== 'healthy') router.failed(peer);
  }

  /** Makes a connected peer a neighbour; null for one that does not route or finds no place. */
  #join(peer: Did): Link | null {
    const { isAgreed, router, ports, wire } = this.#parts;
    const known = this.#links.get(peer);
    if (known !== undefined) return known;
    if (!this.#isRunning || !isAgreed(peer) || !wire.isConnected(peer)) return null;
    router.joined(peer);
    if (!router.isAlive(peer)) return null;
    const link: Link = {
      stream: null,
      isTelling: false,
      bucket: new Bucket(ports.clock, DISTANCES_PER_S, DISTANCES_BURST),
      signed: new Map(),
      signatures: new Bucket(ports.clock, INTRODUCTIONS_PER_S, INTRODUCTIONS_BURST),
    };
    this.#links.set(peer, link);
    return link;
  }

  async #tellAll(): Promise<void> {
    const { router, sequences } = this.#parts;
    this.#told = router.changes;
    await sequences.reach(router.round);
    await Promise.all([...this.#links].map(([peer, link]) => this.#tell(peer, link)));
  }

  async #tell(peer: Did, link: Link): Promise<void> {
    // A neighbour that is slow to take one vector gets the next round's.
    if (link.isTelling) return;
    link.isTelling = true;
    const { wire, ports, names } = this.#parts;
    const limit = deadline(ports.timers, DISTANCES_WRITE_MS, this.#stopping.signal);
    try {
      if (link.stream === null) {
        link.signed.clear();
        const opened = await wire.open(peer, DISTANCES_PROTOCOL, limit.signal);
        if (!opened.ok) return;
        link.stream = opened.value;
      }
      const lines = this.#linesFor(peer, link);
      // A round that began meanwhile is proven in a moment, and told then.
      if (lines[0]?.hops !== 0) return;
      const vector = encodeFrame(encodeVector(lines, names));
      const written = await link.stream.write(vector, limit.signal);
      if (written.ok) return;
      link.stream.abort(written.code);
      link.stream = null;
    } finally {
      limit.cancel();
      link.isTelling = false;
    }
  }

  #linesFor(peer: Did, link: Link): ProvenDistance[] {
    const { router, sequences } = this.#parts;
    // Its own newest, too: a node that lost its clock goes on from there.
    const itself = { peer, hops: 1, sequence: sequences.newest(peer)?.sequence ?? -1 };
    const lines: ProvenDistance[] = [];
    for (const line of nearest([...router.vectorFor(peer), itself])) {
      const proof = sequences.newest(line.peer);
      if (proof?.sequence !== line.sequence) continue;
      const { value, first, signature } = proof;
      const isSigned = link.signed.get(line.peer) !== signature && link.signatures.take(1);
      if (isSigned) link.signed.set(line.peer, signature);
      const { sequence, hops } = line;
      const shown = isSigned ? signature : null;
      lines.push({ peer: line.peer, sequence, hops, value, first, signature: shown });
    }
    return lines;
  }

  /** Hears a neighbour's vectors until its stream ends. */
  async #listen(stream: PeerStream): Promise<void> {
    const { ports, counters } = this.#parts;
    const reader = new FrameReader(stream);
    for (;;) {
      const limit = deadline(ports.timers, SILENCE_MS, this.#stopping.signal);
      const frame = await reader.frame(VECTOR_BYTES_MAX, limit.signal);
      limit.cancel();
      if (!frame.ok && (frame.code === 'stream-ended' || frame.code === 'stream-reset')) return;
      const code = frame.ok ? await this.#hear(stream.peer, frame.value) : frame.code;
      if (code === null) continue;
      counters.add(`distances-${code}`);
      return stream.abort(code);
    }
  }

  /** Null when all is well, else why this neighbour is not listened to any more. */
  async #hear(peer: Did, frame: Uint8Array): Promise<string | null> {
    const { router, sequences, names, wire, isAgreed } = this.#parts;
    const link = this.#join(peer);
    if (link === null) return isAgreed(peer) ? 'no-place' : 'not-agreed';
    if (!link.bucket.take(1)) return 'over-rate';
    const vector = decodeVector(frame, peer, names);
    if (!vector.ok) return vector.code;
    const believed = await sequences.checked(peer, vector.value);
    if (believed === null) return 'forged';
    // While signatures were checked, it may have left.
    if (this.#links.get(peer) !== link) return null;
    const own = believed.find((line) => line.peer === wire.did);
    if (own !== undefined && own.sequence > router.round) router.catchUp(own.sequence);
    if (!router.isAlive(peer)) this.#revive(peer);
    router.heard(peer, believed);
    this.soon();
    return null;
  }

  #revive(peer: Did): void {
    const { router, health } = this.#parts;
    if ((health(peer)?.state ?? 'healthy') === 'healthy') router.joined(peer);
  }
}
