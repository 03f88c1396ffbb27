import { PostingLists } from '../lexical/postings.ts';
import { CARD_FACETS_MAX, FILTER_VALUE_LENGTH_MAX } from '../limits.ts';
import { type Bitmap, bitmapFor, setBit } from './bitmap.ts';
import { Dictionary } from './dictionary.ts';
import type { SectionReader, SectionWriter } from './sections.ts';

/** What cards can be filtered by equality on. */
export type Facet = 'tags' | 'skills' | 'region';

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

  /** Slots that carry the value, removed ones included. */
  slotsWith(facet: Facet, value: string, slots: number): Bitmap {
    const bits = bitmapFor(slots);
    const id = this.#values.find(entry(facet, facetValue(value)));
    if (id < 0) return bits;
    const list = new Uint32Array(this.#slots.count(id));
    this.#slots.copyInto(id, list);
    for (const slot of list) setBit(bits, slot);
    return bits;
  }
}

function isFacet(name: string | undefined): name is Facet {
  return name === 'tags' || name === 'skills' || name === 'region';
}

function entry(facet: Facet, value: string): string {
  return `${facet}\n${value}`;
}
