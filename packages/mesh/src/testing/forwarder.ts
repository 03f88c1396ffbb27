import { createSigner, createVerifier, type Did, type Signer } from '@zerostate/shared';
import { createNode } from '../adapters/libp2p/create.ts';
import { RelayClient } from '../adapters/libp2p/relay-client.ts';
import { Libp2pWire } from '../adapters/libp2p/wire.ts';
import { Counters } from '../counters.ts';
import { decodeOffer, encodeOffer, encodeWord, type Offer, type Word } from '../envelopes/hop.ts';
import { ROUTE_PROTOCOL } from '../envelopes/outbound.ts';
import { encodeFrame, FrameReader } from '../frames.ts';
import type { Health } from '../health/score.ts';
import { Greeter } from '../hello/greeter.ts';
import { DISTANCES_MS, ENVELOPE_HEAD_BYTES_MAX } from '../limits.ts';
import type { PeerStream, Wire } from '../ports.ts';
import { PathMemory } from '../relay/path.ts';
import { DISTANCES_PROTOCOL, DistanceExchange } from '../routing/distance-exchange.ts';
import { encodeVector, type ProvenDistance } from '../routing/distance-vector.ts';
import { KeyNames } from '../routing/key-names.ts';
import { Router } from '../routing/router.ts';
import { Sequences } from '../routing/sequences.ts';
import { systemPorts } from './adapters/system.ts';
import { NETWORK, TCP } from './nodes.ts';

const suspected: Health = { state: 'suspected', rttMs: null, loss: 1, score: 0 };

/** What a forwarder holds in its hands. */
export interface Carried {
  from: Did;
  offer: Offer;
  sealed: Uint8Array;
  say: (word: Word) => Promise<void>;
}

/**
 * A node that greets and tells distances as any other, and does with envelopes what a test says:
 * a real connection, a real key, and no good will.
 */
export class Forwarder {
  readonly wire: Wire;
  readonly signer: Signer;
  readonly sequences: Sequences;
  readonly router: Router;
  /** Neighbours whose health it doubts. */
  readonly suspects: Set<Did>;
  readonly #stop: () => Promise<void>;

  constructor(
    parts: Pick<Forwarder, 'wire' | 'signer' | 'sequences' | 'router' | 'suspects'>,
    stop: () => Promise<void>,
  ) {
    this.wire = parts.wire;
    this.signer = parts.signer;
    this.sequences = parts.sequences;
    this.router = parts.router;
    this.suspects = parts.suspects;
    this.#stop = stop;
  }

  get did(): Did {
    return this.signer.did;
  }

  /** Offers an envelope and returns what is said to it, to the end. */
  async offer(to: Did, offer: Offer, sealed: Uint8Array): Promise<string[]> {
    const stream = await this.#open(to, ROUTE_PROTOCOL);
    const signal = AbortSignal.timeout(10_000);
    await stream.write(encodeFrame(encodeOffer(offer)), signal);
    await stream.write(sealed, signal);
    void stream.end(signal);
    const reader = new FrameReader(stream);
    const words: string[] = [];
    for (;;) {
      const frame = await reader.frame(ENVELOPE_HEAD_BYTES_MAX, signal);
      if (!frame.ok) return words;
      words.push(new TextDecoder().decode(frame.value));
    }
  }

  /** Writes bytes on a stream of a protocol and ends it. */
  async send(to: Did, protocol: string, bytes: Uint8Array): Promise<void> {
    const stream = await this.#open(to, protocol);
    const signal = AbortSignal.timeout(5_000);
    await stream.write(bytes, signal);
    await stream.end(signal);
  }

  /** Tells distances that may be lies. */
  tell(to: Did, lines: readonly ProvenDistance[]): Promise<void> {
    return this.send(to, DISTANCES_PROTOCOL, encodeFrame(encodeVector(lines, new KeyNames())));
  }

  stop(): Promise<void> {
    return this.#stop();
  }

  async #open(to: Did, protocol: string): Promise<PeerStream> {
    const opened = await this.wire.open(to, protocol, AbortSignal.timeout(5_000));
    if (!opened.ok) throw new Error(opened.code);
    return opened.value;
  }
}

export async function startForwarder(
  seed: Uint8Array,
  carry: (carried: Carried, forwarder: Forwarder) => Promise<void>,
): Promise<Forwarder> {
  const ports = systemPorts();
  const { clock } = ports;
  const relayClient = new RelayClient();
  const config = { listen: [TCP], allowPrivate: true };
  const paths = new PathMemory(clock);
  const counters = new Counters();
  const node = await createNode({
    ...{ seed, config, gater: {}, rules: {}, relayClient, paths, counters },
  });
  const signer = await createSigner(seed);
  const wire = new Libp2pWire(node, signer.did, counters);
  const greeter = new Greeter(wire, ports, NETWORK, 'node');
  const options = { self: signer.did, hopFloorMs: 1, failurePenaltyMs: 1_000 };
  const firstRound = Math.floor(clock.now() / DISTANCES_MS);
  const router = new Router({ ...options, firstRound, random: () => 0 });
  const suspects = new Set<Did>();
  const names = new KeyNames();
  const verifier = createVerifier();
  const sequences = new Sequences({ network: NETWORK, signer, verifier, ports, names });
  const distances = new DistanceExchange({
    ...{ wire, ports, router, sequences, names },
    counters,
    isAgreed: (peer) => greeter.agreed(peer) !== null,
    health: (peer) => (suspects.has(peer) ? suspected : null),
  });
  await node.start();
  await greeter.start();
  await distances.start();
  wire.watch({
    up: (peer) => void greeter.greet(peer).then(() => distances.met(peer)),
    down: (peer) => distances.left(peer),
  });
  const forwarder = new Forwarder({ wire, signer, sequences, router, suspects }, async () => {
    distances.stop();
    await node.stop();
  });
  await wire.handle(ROUTE_PROTOCOL, 64, async (stream) => {
    const signal = AbortSignal.timeout(30_000);
    const reader = new FrameReader(stream);
    const frame = await reader.frame(ENVELOPE_HEAD_BYTES_MAX, signal);
    const offer = frame.ok ? decodeOffer(frame.value) : frame;
    if (!offer.ok) return;
    const sealed = await reader.bytes(offer.value.bytes, signal);
    if (!sealed.ok) return;
    const say = async (word: Word): Promise<void> => {
      await stream.write(encodeFrame(encodeWord(word)), signal);
    };
    await carry({ from: stream.peer, offer: offer.value, sealed: sealed.value, say }, forwarder);
  });
  return forwarder;
}
