import { uint16Column, uint32Column } from '../index/column.ts';
import { Dictionary } from '../index/dictionary.ts';
import { BytePages } from '../index/pages.ts';
import type { SectionReader, SectionWriter } from '../index/sections.ts';
import { decodeTerms, encodeTerms, type TermCount } from './forward.ts';
import { PostingLists } from './postings.ts';

/** Term saturation and length normalisation; part of a snapshot's version. */
export const BM25_K1 = 1.2;
export const BM25_B = 0.75;

const TF_MAX = 255;
const SLOT_MAX = 2 ** 24;

/** What BM25 needs to know of all shards together before one of them can score. */
export interface CorpusStats {
  /** Cards that are in the index. */
  readonly cards: number;
  /** Terms of all those cards. */
  readonly length: number;
  /** Cards that have each query term, in the order of the terms asked for. */
  readonly frequencies: readonly number[];
}

/** Sums of two shards' figures for the same terms. */
export function addStats(a: CorpusStats, b: CorpusStats): CorpusStats {
  return {
    cards: a.cards + b.cards,
    length: a.length + b.length,
    frequencies: a.frequencies.map((frequency, i) => frequency + (b.frequencies[i] ?? 0)),
  };
}

/**
 * Okapi BM25 (Robertson and Walker 1994; idf as in Lucene, never negative) over posting lists of
 * slot << 8 | tf. Removing a card corrects the counts at once; its postings stay until the shard
 * is compacted and are passed over by the caller's set of live slots.
 */
export class LexicalIndex {
  readonly #terms = new Dictionary();
  readonly #postings = new PostingLists();
  readonly #frequencies = uint32Column();
  readonly #lengths = uint16Column();
  readonly #forward = new BytePages();
  readonly #forwardOffsets = uint32Column();
  readonly #forwardBytes = uint16Column();
  #cards = 0;
  #length = 0;
  #scores = new Float64Array(0);
  #touched = new Uint32Array(0);
  #touchedCount = 0;
  #scratch = new Uint32Array(0);

  /** Adds the terms of the next card and returns its slot, counting from 0. */
  add(terms: readonly string[]): number {
    const counts = new Map<number, number>();
    for (const term of terms) {
      const id = this.#intern(term);
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
    return this.#append(counts, terms.length);
  }

  /** Adds the terms that another index has for a slot, as the next card of this one. */
  addFrom(other: LexicalIndex, slot: number): number {
    const counts = new Map(
      other.#termCounts(slot).map(([id, count]) => [this.#intern(other.#terms.text(id)), count]),
    );
    return this.#append(counts, other.#lengths.at(slot));
  }

  /** Takes a card out of the counts; the caller stops asking for its slot. */
  remove(slot: number): void {
    for (const [id] of this.#termCounts(slot))
      this.#frequencies.set(id, this.#frequencies.at(id) - 1);
    this.#length -= this.#lengths.at(slot);
    this.#cards -= 1;
  }

  /** This shard's figures for distinct `terms`. */
  stats(terms: readonly string[]): CorpusStats {
    const frequencies = terms.map((term) => {
      const id = this.#terms.find(term);
      return id < 0 ? 0 : this.#frequencies.at(id);
    });
    return { cards: this.#cards, length: this.#length, frequencies };
  }

  /**
   * Scores every card that has one of the distinct `terms` and returns their slots, those with the
   * rarer terms first: they are likely the best. Removed ones are included. Scores stay readable by `scoreOf` until the next call.
   */
  score(terms: readonly string[], stats: CorpusStats): Uint32Array {
    this.#forgetScores();
    const slope = (BM25_K1 * BM25_B * stats.cards) / Math.max(stats.length, 1);
    const known = terms.flatMap((term, i) => {
      const id = this.#terms.find(term);
      const frequency = stats.frequencies[i] ?? 0;
      if (id < 0 || frequency === 0) return [];
      return { id, idf: Math.log(1 + (stats.cards - frequency + 0.5) / (frequency + 0.5)) };
    });
    known.sort((one, other) => other.idf - one.idf);
    for (const { id, idf } of known) this.#accumulate(id, idf * (BM25_K1 + 1), slope);
    return this.#touched.subarray(0, this.#touchedCount);
  }

  /** By slot, the scores the last `score` gave; replaced when the index grows. */
  get scores(): Float64Array {
    return this.#scores;
  }

  /** The score the last `score` gave a slot; 0 when the card has none of its terms. */
  scoreOf(slot: number): number {
    return this.#scores[slot] ?? 0;
  }

  save(writer: SectionWriter): void {
    writer.numbers('bm25.figures', [this.#cards, this.#length]);
    this.#terms.save('bm25.terms', writer);
    this.#postings.save('bm25.postings', writer);
    writer.column('bm25.frequencies', this.#frequencies);
    writer.column('bm25.lengths', this.#lengths);
    this.#forward.save('bm25.forward', writer);
    writer.column('bm25.forward.offsets', this.#forwardOffsets);
    writer.column('bm25.forward.bytes', this.#forwardBytes);
  }

  /** Fills an empty index from a snapshot of `slots` slots. */
  async load(reader: SectionReader, slots: number): Promise<void> {
    const [cards = 0, length = 0] = await reader.numbers('bm25.figures', 2);
    this.#cards = cards;
    this.#length = length;
    await this.#terms.load('bm25.terms', reader);
    await this.#postings.load('bm25.postings', reader, this.#terms.size);
    await reader.column('bm25.frequencies', this.#frequencies, this.#terms.size);
    await reader.column('bm25.lengths', this.#lengths, slots);
    await this.#forward.load('bm25.forward', reader);
    await reader.column('bm25.forward.offsets', this.#forwardOffsets, slots);
    await reader.column('bm25.forward.bytes', this.#forwardBytes, slots);
  }

  #accumulate(id: number, weight: number, slope: number): void {
    const count = this.#postings.count(id);
    if (this.#scratch.length < count) this.#scratch = new Uint32Array(count + (count >> 2));
    this.#postings.copyInto(id, this.#scratch);
    const scores = this.#scores;
    const lengths = this.#lengths.data;
    const flat = BM25_K1 * (1 - BM25_B);
    let touched = this.#touchedCount;
    for (let i = 0; i < count; i++) {
      const posting = this.#scratch[i] ?? 0;
      const slot = posting >>> 8;
      const tf = posting & TF_MAX;
      const before = scores[slot] ?? 0;
      if (before === 0) this.#touched[touched++] = slot;
      scores[slot] = before + (weight * tf) / (tf + flat + slope * (lengths[slot] ?? 0));
    }
    this.#touchedCount = touched;
  }

  #forgetScores(): void {
    for (let i = 0; i < this.#touchedCount; i++) this.#scores[this.#touched[i] ?? 0] = 0;
    this.#touchedCount = 0;
    if (this.#scores.length < this.#lengths.length) {
      this.#scores = new Float64Array(this.#lengths.data.length);
      this.#touched = new Uint32Array(this.#lengths.data.length);
    }
  }

  #append(counts: ReadonlyMap<number, number>, length: number): number {
    const slot = this.#lengths.push(length);
    if (slot >= SLOT_MAX) throw new RangeError('a shard holds at most 2^24 slots');
    const terms = [...counts].sort(([a], [b]) => a - b);
    for (const [id, count] of terms) {
      this.#postings.append(id, (slot << 8) | Math.min(count, TF_MAX));
      this.#frequencies.set(id, this.#frequencies.at(id) + 1);
    }
    const bytes = encodeTerms(terms);
    this.#forwardOffsets.push(this.#forward.append(bytes));
    this.#forwardBytes.push(bytes.length);
    this.#cards += 1;
    this.#length += length;
    return slot;
  }

  #intern(term: string): number {
    const id = this.#terms.intern(term);
    if (id === this.#postings.size) {
      this.#postings.open();
      this.#frequencies.push(0);
    }
    return id;
  }

  #termCounts(slot: number): TermCount[] {
    const bytes = this.#forward.view(this.#forwardOffsets.at(slot), this.#forwardBytes.at(slot));
    return decodeTerms(bytes);
  }
}
