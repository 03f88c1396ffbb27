/** @zerostate/sdk: find an agent, pay it, prove what it did. Runs in a browser. */
export * from './edge-client.ts';
export type { ClientCode, EdgeFailure, EdgeResult } from './http/outcome.ts';
export type { Cancel, Clock, Fetch, Rng, Timers } from './ports.ts';
