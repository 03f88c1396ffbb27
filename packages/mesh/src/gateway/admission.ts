import { type Did, err, ok, type Result } from '@zerostate/shared';
import {
  ACCOUNTS_MAX,
  GATEWAY_BURST,
  GATEWAY_BYTES_HELD_MAX,
  GATEWAY_PEER_BURST,
  GATEWAY_PEER_PER_S,
  GATEWAY_PER_S,
  GATEWAY_REQUESTS_MAX,
  GATEWAY_REQUESTS_PER_PEER_MAX,
} from '../limits.ts';
import type { Clock } from '../ports.ts';
import { Bucket } from '../tasks/bucket.ts';

/** When to come again where nothing says when there will be room. */
const BUSY_MS = 1_000;

/** The place of one request. */
export interface Room {
  /** Counts bytes that are held for it; false when there is no room for them. */
  hold(bytes: number): boolean;
  /** Once, when the request is over. */
  free(): void;
}

/** What a gateway does for others at the same time and by the second. */
export class Admission {
  readonly #clock: Clock;
  readonly #all: Bucket;
  readonly #peers = new Map<Did, Bucket>();
  readonly #inFlight = new Map<Did, number>();
  #requests: number;
  #bytes: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#all = new Bucket(clock, GATEWAY_PER_S, GATEWAY_BURST);
    this.#requests = 0;
    this.#bytes = 0;
  }

  /** Makes room for a request. Refused, `detail` says in how many ms to come again. */
  admit(peer: Did, bytes: number): Result<Room, 'gateway-busy' | 'over-request-rate'> {
    const ofPeer = this.#inFlight.get(peer) ?? 0;
    const isFull =
      this.#requests >= GATEWAY_REQUESTS_MAX ||
      ofPeer >= GATEWAY_REQUESTS_PER_PEER_MAX ||
      this.#bytes + bytes > GATEWAY_BYTES_HELD_MAX;
    if (isFull) return err('gateway-busy', String(BUSY_MS));
    const bucket = this.#bucketOf(peer);
    const waitMs = Math.max(bucket.waitMs(1), this.#all.waitMs(1));
    if (waitMs > 0) return err('over-request-rate', String(waitMs));
    bucket.take(1);
    this.#all.take(1);
    this.#requests += 1;
    this.#bytes += bytes;
    this.#inFlight.set(peer, ofPeer + 1);
    return ok(this.#room(peer, bytes));
  }

  #room(peer: Did, bytes: number): Room {
    let held = bytes;
    return {
      hold: (more) => {
        if (this.#bytes + more > GATEWAY_BYTES_HELD_MAX) return false;
        this.#bytes += more;
        held += more;
        return true;
      },
      free: () => {
        this.#requests -= 1;
        this.#bytes -= held;
        const left = (this.#inFlight.get(peer) ?? 1) - 1;
        if (left === 0) this.#inFlight.delete(peer);
        else this.#inFlight.set(peer, left);
      },
    };
  }

  #bucketOf(peer: Did): Bucket {
    const known = this.#peers.get(peer);
    const bucket = known ?? new Bucket(this.#clock, GATEWAY_PEER_PER_S, GATEWAY_PEER_BURST);
    // Kept in the order of their last use: the first one is forgotten first.
    this.#peers.delete(peer);
    this.#peers.set(peer, bucket);
    if (this.#peers.size > ACCOUNTS_MAX) {
      const oldest = this.#peers.keys().next();
      if (oldest.done !== true) this.#peers.delete(oldest.value);
    }
    return bucket;
  }
}
