import type { Clock } from '../ports.ts';

/** A token bucket: `perSecond` tokens flow in, at most `burst` are kept. It starts full. */
export class Bucket {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(clock: Clock, perSecond: number, burst: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = clock.now();
  }

  has(tokens: number): boolean {
    this.#fill();
    return this.#tokens >= tokens;
  }

  /** Takes the tokens if they are there. */
  take(tokens: number): boolean {
    if (!this.has(tokens)) return false;
    this.#tokens -= tokens;
    return true;
  }

  /** Takes whatever is there. */
  drain(): void {
    this.#fill();
    this.#tokens = 0;
  }

  /** ms until this many tokens are there; Infinity if they never are. */
  waitMs(tokens: number): number {
    if (tokens > this.#burst) return Number.POSITIVE_INFINITY;
    if (this.has(tokens)) return 0;
    return Math.ceil(((tokens - this.#tokens) / this.#perSecond) * 1000);
  }

  #fill(): void {
    const now = this.#clock.now();
    // A clock that was set back gives nothing and takes nothing.
    const passedMs = Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.#burst, this.#tokens + (passedMs / 1000) * this.#perSecond);
  }
}
