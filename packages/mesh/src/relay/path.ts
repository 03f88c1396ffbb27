import { type Did, PeerChoice } from '@zerostate/shared';
import { didFromPeerId } from '../adapters/libp2p/identity.ts';
import { DIAL_ADDRESS_MS, RELAY_DISTRUST_MS } from '../limits.ts';
import type { Clock } from '../ports.ts';

/** The relay that an address goes through; null for a direct one. */
export function relayOf(address: string): Did | null {
  const peer = /\/p2p\/([^/]+)\/p2p-circuit(\/|$)/.exec(address)?.[1];
  const did = peer === undefined ? null : didFromPeerId(peer);
  return did?.ok === true ? did.value : null;
}

/** `answered`: the relay did its part, and the peer behind it was not there. */
export type DialEnd = 'connected' | 'answered' | 'failed';

/**
 * The order in which a peer's addresses are tried. libp2p tries one after the other: an address
 * through a relay that has just been found dead would cost its whole time limit. Among those that
 * are well, the bandit of executors chooses: by the time of earlier dials, those under way, what
 * failed, and now and then one that is little known.
 */
export class PathMemory {
  readonly #clock: Clock;
  readonly #failedAt = new Map<Did, number>();
  readonly #choice: PeerChoice;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#choice = new PeerChoice({
      // Nothing is drawn: libp2p wants all addresses in an order.
      random: () => 0,
      failureCostMs: DIAL_ADDRESS_MS,
      forgive: { halfLifeMs: RELAY_DISTRUST_MS, now: () => clock.now() },
    });
  }

  /** A dial through this relay begins; the answer is to be called when it ends. */
  dialling(relay: Did): (end: DialEnd) => void {
    const begunAt = this.#clock.now();
    this.#choice.started(relay);
    return (end) => {
      const ms = Math.max(0, this.#clock.now() - begunAt);
      if (end === 'answered') this.#choice.dropped(relay);
      else this.#choice.ended(relay, { ms, queueDepth: 0, good: end === 'connected' });
      if (end === 'failed') this.failed(relay);
      else this.answered(relay);
    };
  }

  failed(peer: Did): void {
    const now = this.#clock.now();
    for (const [did, at] of this.#failedAt) {
      if (now - at > RELAY_DISTRUST_MS) this.#failedAt.delete(did);
    }
    this.#failedAt.set(peer, now);
  }

  answered(peer: Did): void {
    this.#failedAt.delete(peer);
  }

  order(x: string, y: string): -1 | 0 | 1 {
    const difference = this.rank(x) - this.rank(y) || this.#costMs(x) - this.#costMs(y);
    if (difference === 0) return 0;
    return difference < 0 ? -1 : 1;
  }

  /** What a dial through this address's relay is expected to take; 0 for a direct one. */
  #costMs(address: string): number {
    const did = relayOf(address);
    if (did === null) return 0;
    return this.#choice.explain([{ did, queueDepth: 0 }])[0]?.costMs ?? 0;
  }

  /** Lower is tried first: direct, through a relay, through those that failed, latest last. */
  rank(address: string): number {
    const relay = relayOf(address);
    if (relay === null) return 0;
    const failedAt = this.#failedAt.get(relay);
    if (failedAt === undefined || this.#clock.now() - failedAt > RELAY_DISTRUST_MS) return 1;
    return failedAt;
  }
}
