import { eachBit, hasBit } from './bitmap.ts';
import type { CardTable } from './card-table.ts';
import type { Facet } from './facets.ts';

/** How many live cards carry a value, as filters compare it: NFKC, lower case, trimmed. */
export interface ValueCount {
  readonly value: string;
  readonly count: number;
}

/** Live cards whose reference run costs at least `from` and less than `below`, micro-units. */
export interface PriceBand {
  readonly from: bigint;
  /** Absent in the last band. */
  readonly below?: bigint;
  readonly count: number;
}

/** What the live cards can be filtered by, the commonest first. */
export interface FacetCounts {
  readonly cards: number;
  readonly tags: readonly ValueCount[];
  readonly skills: readonly ValueCount[];
  readonly regions: readonly ValueCount[];
  /** Free, then one band for each power of ten; empty bands are left out. */
  readonly prices: readonly PriceBand[];
}

/** Powers of ten above which prices are not told apart. */
const BANDS = 16;

/** Counts over all shards; equal counts in the order of their values, so that every index agrees. */
export function countFacets(tables: readonly CardTable[], now: number, top: number): FacetCounts {
  const counts: Record<Facet, Map<string, number>> = {
    tags: new Map(),
    skills: new Map(),
    region: new Map(),
  };
  const bands = new Array<number>(BANDS + 1).fill(0);
  let cards = 0;
  for (const table of tables) {
    const { bits: live } = table.liveAt(now);
    table.eachFacet((facet, value, slots) => {
      let count = 0;
      for (const slot of slots) if (hasBit(live, slot)) count++;
      if (count > 0) counts[facet].set(value, (counts[facet].get(value) ?? 0) + count);
    });
    eachBit(live, (slot) => {
      const band = bandOf(table.priceOf(slot));
      bands[band] = (bands[band] ?? 0) + 1;
      cards++;
    });
  }
  const { tags, skills, region } = counts;
  return {
    cards,
    tags: commonest(tags, top),
    skills: commonest(skills, top),
    regions: commonest(region, top),
    prices: bands.flatMap((count, band) => (count === 0 ? [] : [bandAt(band, count)])),
  };
}

/** 0 for what is free, n for 10^(n-1) up to 10^n. */
function bandOf(price: number): number {
  let band = 0;
  for (let above = 1; band < BANDS && price >= above; above *= 10) band++;
  return band;
}

function bandAt(band: number, count: number): PriceBand {
  const from = band === 0 ? 0n : 10n ** BigInt(band - 1);
  return band === BANDS ? { from, count } : { from, below: 10n ** BigInt(band), count };
}

function commonest(counts: ReadonlyMap<string, number>, top: number): ValueCount[] {
  return [...counts]
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
    .slice(0, top);
}
