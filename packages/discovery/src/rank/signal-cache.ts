import type { Bitmap } from '../index/bitmap.ts';
import type { Dictionary } from '../index/dictionary.ts';
import type { Signal, Signals } from '../query.ts';

/** Different filters by presence and reputation that are remembered at a time. */
const FILTERS_MAX = 16;

/**
 * What was learned of a shard's publishers, by their numbers. It lasts one search, or as long as
 * `signals.version` stays the same: only then is a filter by presence or reputation over a
 * hundred thousand publishers cheap.
 */
export class SignalCache {
  #known: (Signal | undefined)[] = [];
  #version: number | undefined;
  readonly #passing = new Map<string, { slots: number; bits: Bitmap }>();

  /** A look-up for one search. */
  open(dids: Dictionary, signals: Signals): (didId: number) => Signal {
    if (signals.version === undefined || signals.version !== this.#version) {
      this.#version = signals.version;
      // Without a version few are asked for: the array stays sparse.
      this.#known = signals.version === undefined ? [] : new Array(dids.size);
      this.#passing.clear();
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

  /**
   * The slots below `slots` whose publisher passes `name`, made by `select` unless it is known:
   * a slot keeps its publisher, so only a new version or a new slot makes it stale.
   */
  passing(name: string, slots: number, select: () => Bitmap): Bitmap {
    const known = this.#passing.get(name);
    if (known?.slots === slots) return known.bits;
    const bits = select();
    if (this.#passing.size >= FILTERS_MAX) this.#passing.clear();
    if (this.#version !== undefined) this.#passing.set(name, { slots, bits });
    return bits;
  }
}
