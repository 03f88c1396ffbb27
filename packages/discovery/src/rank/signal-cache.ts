import type { Dictionary } from '../index/dictionary.ts';
import type { Signal, Signals } from '../query.ts';

/**
 * What was learned of a shard's publishers, by their numbers. It lasts one search, or as long as
 * `signals.version` stays the same: only then is a filter by presence or reputation over a
 * hundred thousand publishers cheap.
 */
export class SignalCache {
  #known: (Signal | undefined)[] = [];
  #version: number | undefined;

  /** A look-up for one search. */
  open(dids: Dictionary, signals: Signals): (didId: number) => Signal {
    if (signals.version === undefined || signals.version !== this.#version) {
      this.#version = signals.version;
      this.#known = new Array<Signal | undefined>(dids.size);
    }
    const known = this.#known;
    return (didId) => {
      const signal = known[didId];
      if (signal !== undefined) return signal;
      const fresh = signals(dids.text(didId));
      known[didId] = fresh;
      return fresh;
    };
  }
}
