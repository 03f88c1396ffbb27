/** Numbers the SDK is held to, each with its reason. Bytes unless the name says otherwise. */

/** One attempt at a request; a request that waits for a change has its wait on top. */
export const ATTEMPT_MS_MAX = 15_000;
/** Attempts at one logical operation, the first included. */
export const ATTEMPTS_MAX = 3;
/** Longest pause that a `Retry-After` is granted; a longer one is the caller's to wait for. */
export const RETRY_PAUSE_MS_MAX = 5_000;
/** First pause after a lost connection; it doubles. */
export const RETRY_PAUSE_MS_MIN = 200;
/** A JSON answer: a page of 100 channels or tasks with inline output stays far below. */
export const ANSWER_BYTES_MAX = 4_194_304;
