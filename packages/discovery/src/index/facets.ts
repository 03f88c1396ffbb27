import { PostingLists } from '../lexical/postings.ts';
import { CARD_FACETS_MAX, FILTER_VALUE_LENGTH_MAX } from '../limits.ts';
import { type Bitmap, bitmapFor, setBit } from './bitmap.ts';
import { Dictionary } from './dictionary.ts';
import type { SectionReader, SectionWriter } from './sections.ts';

/** What cards can be filtered by equality on. */
export type Facet = 'tags' | 'skills' | 'region';

/** Cards of a value from which its set of slots is worth keeping, and how many sets are kept. */
const COMMON_MIN = 1_000;
const COMMON_KEPT = 64;

/** Tags, skill ids and regions compare without case and width: NFKC, lower case, trimmed. */
export function facetValue(value: string): string {
  return value
    .slice(0, FILTER_VALUE_LENGTH_MAX)
    .toWellFormed()
    .normalize('NFKC')
    .toLowerCase()
    .trim();
}

/** Which slots carry which tag, skill and region. */
export class Facets {
  readonly #values = new Dictionary();
  readonly #slots = new PostingLists();
  readonly #common = new Map<number, { bits: Bitmap; count: number; slots: number }>();

  add(facet: Facet, values: readonly string[], slot: number): void {
    const distinct = new Set(values.map(facetValue));
    for (const value of [...distinct].slice(0, CARD_FACETS_MAX)) {
      const id = this.#values.intern(entry(facet, value));
      if (id === this.#slots.size) this.#slots.open();
      this.#slots.append(id, slot);
    }
  }

  save(writer: SectionWriter): void {
    this.#values.save('facets.values', writer);
    this.#slots.save('facets.slots', writer);
  }

  async load(reader: SectionReader): Promise<void> {
    await this.#values.load('facets.values', reader);
    await this.#slots.load('facets.slots', reader, this.#values.size);
  }

  /** Every value and its slots, removed ones included; the array is used again. */
  each(visit: (facet: Facet, value: string, slots: Uint32Array) => void): void {
    let list = new Uint32Array(64);
    for (let id = 0; id < this.#slots.size; id++) {
      const count = this.#slots.count(id);
      if (list.length < count) list = new Uint32Array(count + (count >> 1));
      this.#slots.copyInto(id, list);
      const [facet, ...value] = this.#values.text(id).split('\n');
      if (isFacet(facet)) visit(facet, value.join('\n'), list.subarray(0, count));
    }
  }

  /**
   * Slots that carry the value, removed ones included. Those of a value that many cards have are
   * kept until another card has it, so callers must not change the set.
   */
  slotsWith(facet: Facet, value: string, slots: number): Bitmap {
    const id = this.#values.find(entry(facet, facetValue(value)));
    if (id < 0) return bitmapFor(slots);
    const count = this.#slots.count(id);
    const known = this.#common.get(id);
    if (known?.count === count && known.slots === slots) return known.bits;
    const bits = bitmapFor(slots);
    const list = new Uint32Array(count);
    this.#slots.copyInto(id, list);
    for (const slot of list) setBit(bits, slot);
    if (count < COMMON_MIN) return bits;
    if (this.#common.size >= COMMON_KEPT) this.#common.clear();
    this.#common.set(id, { bits, count, slots });
    return bits;
  }
}

function isFacet(name: string | undefined): name is Facet {
  return name === 'tags' || name === 'skills' || name === 'region';
}

function entry(facet: Facet, value: string): string {
  return `${facet}\n${value}`;
}
