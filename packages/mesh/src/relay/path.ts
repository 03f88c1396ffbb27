import type { Did } from '@zerostate/shared';
import { didFromPeerId } from '../adapters/libp2p/identity.ts';
import { RELAY_DISTRUST_MS } from '../limits.ts';
import type { Clock } from '../ports.ts';

/** The relay that an address goes through; null for a direct one. */
export function relayOf(address: string): Did | null {
  const peer = /\/p2p\/([^/]+)\/p2p-circuit(\/|$)/.exec(address)?.[1];
  const did = peer === undefined ? null : didFromPeerId(peer);
  return did?.ok === true ? did.value : null;
}

/**
 * The order in which a peer's addresses are tried. libp2p tries one after the other: an address
 * through a relay that has just been found dead would cost its whole time limit.
 */
export class PathMemory {
  readonly #clock: Clock;
  readonly #failedAt = new Map<Did, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
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
    const difference = this.rank(x) - this.rank(y);
    if (difference === 0) return 0;
    return difference < 0 ? -1 : 1;
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
