import {
  type Bitmap,
  bitmapFor,
  clearBit,
  countBits,
  eachBit,
  hasBit,
  intersect,
  unite,
} from '../index/bitmap.ts';
import type { CardTable } from '../index/card-table.ts';
import type { Shard } from '../index/shard.ts';
import type { SearchFilters, Signal, Signals } from '../query.ts';
import type { SignalCache } from './signal-cache.ts';

/** Why a card is not in an answer: expired, the first filter it fails, or its rank. */
export type LeftOutReason = 'expired' | Exclude<keyof SearchFilters, 'regions'> | 'rank';

/** One shard's cards under one query: which pass, and why the others do not. */
export class Selection {
  readonly cards: CardTable;
  /** Cards that are neither removed, expired nor kept out by a filter. */
  readonly passing: Bitmap;
  /** How many pass, and how many were neither removed nor expired. */
  readonly passingCount: number;
  readonly liveCount: number;
  readonly #filters: SearchFilters;
  readonly #live: Bitmap;
  readonly #cache: SignalCache;
  readonly #remembers: boolean;
  readonly #signalOf: (didId: number) => Signal;

  constructor(shard: Shard, filters: SearchFilters, signals: Signals, now: number) {
    const { cards } = shard;
    this.cards = cards;
    this.#filters = filters;
    this.#cache = shard.signals;
    this.#remembers = signals.version !== undefined;
    this.#signalOf = shard.signals.open(cards.dids, signals);
    const { bits, count } = cards.liveAt(now);
    this.#live = bits;
    this.liveCount = count;
    this.passing = this.#select();
    this.passingCount = this.passing === this.#live ? this.liveCount : countBits(this.passing);
  }

  /** What is known of the publisher of a slot. */
  signalOf(slot: number): Signal {
    return this.#signalOf(this.cards.didId(slot));
  }

  /** The first thing that keeps a slot out; undefined when it passes. */
  reasonOf(slot: number): Exclude<LeftOutReason, 'rank'> | undefined {
    if (!hasBit(this.#live, slot)) return 'expired';
    if (hasBit(this.passing, slot)) return undefined;
    const { tags = [], skills = [], region, regions = [] } = this.#filters;
    const lacks = (facet: 'tags' | 'skills' | 'region', value: string) =>
      !hasBit(this.cards.withFacet(facet, value), slot);
    if (tags.some((tag) => lacks('tags', tag))) return 'tags';
    if (skills.some((skill) => lacks('skills', skill))) return 'skills';
    if (region !== undefined && lacks('region', region)) return 'region';
    if (regions.length > 0 && regions.every((one) => lacks('region', one))) return 'region';
    if (!this.#affordable(slot)) return 'priceMax';
    return this.#signalFailure(slot);
  }

  #select(): Bitmap {
    const { tags = [], skills = [], region, regions = [], priceMax } = this.#filters;
    const facets = [
      ...tags.map((tag) => this.cards.withFacet('tags', tag)),
      ...skills.map((skill) => this.cards.withFacet('skills', skill)),
      ...(region === undefined ? [] : [this.cards.withFacet('region', region)]),
      ...(regions.length === 0 ? [] : [this.#inAnyOf(regions)]),
    ];
    const asksSignals = this.#asksSignals();
    if (facets.length === 0 && priceMax === undefined && !asksSignals) return this.#live;
    const passing = this.#live.slice();
    for (const facet of facets) intersect(passing, facet);
    if (priceMax !== undefined) this.#drop(passing, (slot) => !this.#affordable(slot));
    if (asksSignals) this.#keepBySignals(passing);
    return passing;
  }

  #inAnyOf(regions: readonly string[]): Bitmap {
    const any = bitmapFor(this.cards.slots);
    for (const region of regions) unite(any, this.cards.withFacet('region', region));
    return any;
  }

  /** Looks at the passing cards alone, or at all once where the outcome can be remembered. */
  #keepBySignals(passing: Bitmap): void {
    const fails = (slot: number) => this.#signalFailure(slot) !== undefined;
    if (!this.#remembers) {
      this.#drop(passing, fails);
      return;
    }
    const { online = false, minReputation = 0 } = this.#filters;
    const bits = this.#cache.passing(`${online} ${minReputation}`, this.cards.slots, () => {
      const all = this.cards.alive.slice();
      this.#drop(all, fails);
      return all;
    });
    intersect(passing, bits);
  }

  #drop(bits: Bitmap, fails: (slot: number) => boolean): void {
    eachBit(bits, (slot) => {
      if (fails(slot)) clearBit(bits, slot);
    });
  }

  #affordable(slot: number): boolean {
    const { priceMax } = this.#filters;
    return priceMax === undefined || this.cards.costsAtMost(slot, priceMax, Number(priceMax));
  }

  #asksSignals(): boolean {
    return this.#filters.online === true || (this.#filters.minReputation ?? 0) > 0;
  }

  #signalFailure(slot: number): 'minReputation' | 'online' | undefined {
    if (!this.#asksSignals()) return undefined;
    const signal = this.signalOf(slot);
    if (signal.score < (this.#filters.minReputation ?? 0)) return 'minReputation';
    return this.#filters.online === true && !signal.online ? 'online' : undefined;
  }
}
