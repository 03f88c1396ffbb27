import { SEMANTIC_VECTORS_MAX } from '../limits.ts';
import type { Neighbours, VectorEngine } from '../vector/engine.ts';
import { type Bitmap, bitmapFor, countBits, hasBit, setBit } from './bitmap.ts';
import { calibrateBreadth } from './calibrate.ts';
import { uint32Column } from './column.ts';
import { choosePlan, nearest } from './planner.ts';
import { type SectionReader, type SectionWriter, SnapshotFault } from './sections.ts';

/** Breadth of graph searches before a calibration. */
const BREADTH_UNCALIBRATED = 256;

/** Makes an empty engine for `capacity` vectors of the semantic embedder's dims. */
export type MakeSemanticEngine = (capacity: number) => VectorEngine;

/**
 * The optional second vectors of a shard's cards. They come later than the cards, at most
 * SEMANTIC_VECTORS_MAX a card (the parts of a long text), and live in an engine of their own whose
 * slots ("vectors" here) are given out in the order of arrival. A card is as near as its nearest
 * vector. No memory is taken before the first one.
 */
export class SemanticSide {
  readonly #make: MakeSemanticEngine;
  readonly #capacity: number;
  #engine: VectorEngine | undefined;
  /** The card of each vector; the vectors of one attachment are neighbours. */
  #cards = uint32Column();
  /** By card: 1 + its first vector, or 0. */
  #firsts = uint32Column();
  #attached = 0;
  /** The most vectors any one card was given: how much deeper a search by vectors must go. */
  #most = 1;
  #translated: { from: Bitmap; bits: Bitmap; passing: number } | undefined;
  /** Breadth of graph searches. */
  breadth = BREADTH_UNCALIBRATED;

  /** For a shard of at most `cardsMax` cards. */
  constructor(make: MakeSemanticEngine, cardsMax: number) {
    this.#make = make;
    this.#capacity = cardsMax * SEMANTIC_VECTORS_MAX;
  }

  /** Cards that have a semantic vector. */
  get attached(): number {
    return this.#attached;
  }

  /** The engine's name, for a snapshot. */
  get engineId(): string {
    return this.#open().id;
  }

  has(card: number): boolean {
    return this.#first(card) >= 0;
  }

  /** Gives a card its vectors, in place of those it had. */
  attach(card: number, vectors: readonly Int8Array[]): void {
    if (vectors.length === 0 || vectors.length > SEMANTIC_VECTORS_MAX) {
      throw new RangeError(`${vectors.length} semantic vectors for one card`);
    }
    this.detach(card);
    if (this.#cards.length + vectors.length > this.#capacity) this.#compact();
    const engine = this.#open();
    if (card >= this.#firsts.length) this.#firsts.resize(card + 1);
    this.#firsts.set(card, this.#cards.length + 1);
    for (const vector of vectors) {
      const slot = engine.add(vector);
      if (this.#cards.push(card) !== slot) throw new Error('semantic side out of step');
    }
    this.#attached += 1;
    this.#most = Math.max(this.#most, vectors.length);
    this.#translated = undefined;
  }

  /** Takes a card's vectors away; nothing happens when it has none. */
  detach(card: number): void {
    const first = this.#first(card);
    if (first < 0) return;
    this.#eachOf(first, (vector) => this.#engine?.remove(vector));
    this.#firsts.set(card, 0);
    this.#attached -= 1;
    this.#translated = undefined;
  }

  /** A card's vectors; none when it has none. */
  vectorsOf(card: number): Int8Array[] {
    const vectors: Int8Array[] = [];
    const first = this.#first(card);
    if (first < 0) return vectors;
    this.#eachOf(first, (vector) => vectors.push(this.#open().vectorAt(vector)));
    return vectors;
  }

  /** Puts up to `count` further vectors into the graph and returns how many. */
  link(count: number): number {
    return this.#engine?.link(count) ?? 0;
  }

  /** Finds the breadth that these vectors need. */
  calibrate(): void {
    if (this.#engine === undefined || this.#attached === 0) return;
    this.breadth = calibrateBreadth(this.#engine, this.#everyVector());
  }

  /**
   * Vectors near the query, nearest first, and which card each is of: those of the `k` nearest of
   * `allowed` cards are among them (as far as a graph search finds them).
   */
  nearest(
    query: Int8Array,
    k: number,
    allowed: Bitmap,
  ): { found: Neighbours[]; cardOf: (vector: number) => number } {
    const cardOf = (vector: number) => this.#cards.at(vector);
    if (this.#engine === undefined) return { found: [], cardOf };
    const { bits, passing } = this.#translate(allowed);
    const plan = choosePlan(this.#engine, this.#cards.length, passing, this.breadth);
    const deep = k * this.#most;
    return { found: nearest(this.#engine, plan, query, deep, bits, this.breadth), cardOf };
  }

  /** Each card's cosine, that of its nearest vector; NaN for a card without one. */
  cosines(query: Int8Array, cards: Uint32Array): Float64Array {
    const best = new Float64Array(cards.length).fill(Number.NaN);
    const rows: number[] = [];
    const vectors: number[] = [];
    cards.forEach((card, row) => {
      const first = this.#first(card);
      if (first < 0) return;
      this.#eachOf(first, (vector) => {
        rows.push(row);
        vectors.push(vector);
      });
    });
    const cosines = this.#engine?.cosines(query, Uint32Array.from(vectors)) ?? [];
    rows.forEach((row, i) => {
      const cosine = cosines[i] ?? Number.NaN;
      if (!(cosine <= (best[row] ?? Number.NaN))) best[row] = cosine;
    });
    return best;
  }

  save(writer: SectionWriter): void {
    writer.numbers('semantic.figures', [this.#attached, this.#most]);
    writer.column('semantic.cards', this.#cards);
    writer.column('semantic.firsts', this.#firsts);
    this.#open().save(writer);
  }

  /** Fills an empty side from a snapshot of a shard of `slots` slots. */
  async load(reader: SectionReader, slots: number): Promise<void> {
    const [attached = 0, most = 0] = await reader.numbers('semantic.figures', 2);
    await reader.column('semantic.cards', this.#cards);
    await reader.column('semantic.firsts', this.#firsts);
    const engine = this.#open();
    await engine.load(reader);
    const vectors = this.#cards.length;
    const cards = this.#cards.data.subarray(0, vectors);
    const firsts = this.#firsts.data.subarray(0, this.#firsts.length);
    const sound =
      engine.slots === vectors &&
      firsts.length <= slots &&
      most >= 1 &&
      most <= SEMANTIC_VECTORS_MAX &&
      cards.every((card) => card < firsts.length) &&
      firsts.every((first, card) => first === 0 || cards[first - 1] === card);
    if (!sound) throw new SnapshotFault('corrupt', 'semantic vectors of no card');
    this.#attached = attached;
    this.#most = most;
  }

  #open(): VectorEngine {
    this.#engine ??= this.#make(this.#capacity);
    return this.#engine;
  }

  #first(card: number): number {
    return (card < this.#firsts.length ? this.#firsts.at(card) : 0) - 1;
  }

  #eachOf(first: number, visit: (vector: number) => void): void {
    const card = this.#cards.at(first);
    for (let vector = first; vector < this.#cards.length; vector++) {
      if (this.#cards.at(vector) !== card) return;
      visit(vector);
    }
  }

  /** The vectors of a set of cards; remembered while neither the set nor the vectors change. */
  #translate(allowed: Bitmap): { bits: Bitmap; passing: number } {
    if (this.#translated?.from === allowed) return this.#translated;
    const bits = bitmapFor(this.#cards.length);
    const cards = this.#cards.data;
    for (let vector = 0; vector < this.#cards.length; vector++) {
      if (hasBit(allowed, cards[vector] ?? 0)) setBit(bits, vector);
    }
    this.#translated = { from: allowed, bits, passing: countBits(bits) };
    return this.#translated;
  }

  #everyVector(): Bitmap {
    const bits = bitmapFor(this.#cards.length);
    this.#firsts.data.subarray(0, this.#firsts.length).forEach((first) => {
      if (first > 0) this.#eachOf(first - 1, (vector) => setBit(bits, vector));
    });
    return bits;
  }

  /** Drops the vectors that no card has any more; the others must be linked anew. */
  #compact(): void {
    const kept = new SemanticSide(this.#make, this.#capacity / SEMANTIC_VECTORS_MAX);
    for (let card = 0; card < this.#firsts.length; card++) {
      if (this.has(card)) kept.attach(card, this.vectorsOf(card));
    }
    this.#engine = kept.#engine;
    this.#cards = kept.#cards;
    this.#firsts = kept.#firsts;
    this.#translated = undefined;
  }
}
