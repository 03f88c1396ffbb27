/** Token buckets, one a key: what one DID or address may do on one worker. */
import type { Clock } from '../ports.ts';

export type Rate = {
  /** Tokens that come back in a second. */
  perSecond: number;
  /** Tokens that a silent key has collected. */
  burst: number;
};

export type Taken = { ok: true; remaining: number } | { ok: false; retryMs: number };

export interface RateLimiter {
  readonly rate: Rate;
  take(key: string, tokens?: number): Taken;
}

/** Keys remembered; the longest unused one is forgotten first and starts full again. */
const KEYS_MAX = 50_000;

type Bucket = { tokens: number; at: number };

export function createRateLimiter(clock: Clock, rate: Rate): RateLimiter {
  const buckets = new Map<string, Bucket>();
  return {
    rate,
    take(key, tokens = 1) {
      const now = clock.now();
      const bucket = buckets.get(key) ?? { tokens: rate.burst, at: now };
      // To the end: a Map iterates in order of insertion, so its first key is the longest unused.
      buckets.delete(key);
      buckets.set(key, bucket);
      if (buckets.size > KEYS_MAX) {
        const oldest = buckets.keys().next();
        if (!oldest.done) buckets.delete(oldest.value);
      }
      const back = (Math.max(0, now - bucket.at) / 1000) * rate.perSecond;
      bucket.tokens = Math.min(rate.burst, bucket.tokens + back);
      bucket.at = now;
      if (bucket.tokens < tokens) {
        return {
          ok: false,
          retryMs: Math.ceil(((tokens - bucket.tokens) / rate.perSecond) * 1000),
        };
      }
      bucket.tokens -= tokens;
      return { ok: true, remaining: Math.floor(bucket.tokens) };
    },
  };
}
