import type { GasCounter } from './gas-counter.ts';

/**
 * The guest's time in nanoseconds. It starts at 0 and runs with the work: one gas is one
 * nanosecond, so it is the same on every machine and tells nothing about the host. Sleeping moves
 * it on at once.
 */
export class GasClock {
  private readonly gas: GasCounter;
  private slept = 0n;

  constructor(gas: GasCounter) {
    this.gas = gas;
  }

  now(): bigint {
    return this.gas.used() + this.slept;
  }

  sleep(nanoseconds: bigint): void {
    this.slept += nanoseconds;
  }
}

export const CLOCK_RESOLUTION_NS = 1n;
