/** What the SDK needs from its surroundings; `adapters/system.ts` has the real ones. */

export interface Clock {
  /** ms since the epoch. */
  now(): number;
  /** ms with fractions since any moment: what durations are measured with, where it is there. */
  elapsed?(): number;
}

export interface Rng {
  /** Bytes that nobody can guess: keys, nonces and idempotency keys are made of them. */
  bytes(length: number): Uint8Array;
}

/** Stops what a timer would have done; harmless afterwards. */
export type Cancel = () => void;

export interface Timers {
  after(ms: number, f: () => void): Cancel;
}

/** The part of `fetch` that is used, so that tests and proxies can stand in for it. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;
