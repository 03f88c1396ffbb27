import { LexicalIndex } from '../lexical/bm25.ts';
import { SignalCache } from '../rank/signal-cache.ts';
import type { VectorEngine } from '../vector/engine.ts';
import { eachBit, hasBit } from './bitmap.ts';
import { calibrateBreadth } from './calibrate.ts';
import { CardTable, type TableRow } from './card-table.ts';
import { type SemanticVectors, splitKey } from './delta.ts';
import type { CardDocument } from './document.ts';
import { type SectionReader, type SectionWriter, SnapshotFault } from './sections.ts';
import type { SemanticSide } from './semantic.ts';

/** Breadth of graph searches before a calibration. */
const BREADTH_UNCALIBRATED = 256;

/** One shard: columns, inverted index and vectors that share their slots. */
export class Shard {
  readonly cards = new CardTable();
  readonly lexical = new LexicalIndex();
  /** What the last search learned of the publishers. */
  readonly signals = new SignalCache();
  readonly vectors: VectorEngine;
  /** The second vectors, in an index that has a semantic embedder. */
  readonly semantic: SemanticSide | undefined;
  /** Breadth of graph searches. */
  breadth = BREADTH_UNCALIBRATED;

  constructor(vectors: VectorEngine, semantic?: SemanticSide) {
    this.vectors = vectors;
    this.semantic = semantic;
  }

  /** Adds a card, in place of the one with the same key. */
  put(row: TableRow, terms: readonly string[], vector: Int8Array): void {
    this.remove(row.did, row.agent);
    this.#inStep(this.cards.add(row), this.lexical.add(terms), this.vectors.add(vector));
  }

  /** Takes a card out; false when it was not there. */
  remove(did: string, agent: string): boolean {
    const slot = this.cards.find(did, agent);
    if (slot < 0) return false;
    this.cards.remove(slot);
    this.lexical.remove(slot);
    this.vectors.remove(slot);
    this.semantic?.detach(slot);
    return true;
  }

  /** Lets a card that is here, and is the same but for its end, live on where it is. */
  renew({ did, agent, cardSha256, expiresAt }: CardDocument): boolean {
    const slot = this.cards.find(did, agent);
    if (slot < 0 || cardSha256 === '') return false;
    if (this.cards.record(slot).cardSha256 !== cardSha256) return false;
    this.cards.renew(slot, expiresAt);
    return true;
  }

  dropExpired(now: number): void {
    for (const slot of this.cards.expiredAt(now)) {
      const { did, agent } = this.cards.row(slot);
      this.remove(did, agent);
    }
  }

  /** Gives a card its semantic vectors; false when it is not here or they are of another card. */
  attach({ key, cardSha256, vectors }: SemanticVectors): boolean {
    const { did, agent } = splitKey(key);
    const slot = this.cards.find(did, agent);
    if (this.semantic === undefined || slot < 0) return false;
    if (this.cards.record(slot).cardSha256 !== cardSha256) return false;
    this.semantic.attach(slot, vectors);
    return true;
  }

  /** Up to `count` cards that are live and have no semantic vector; none without an embedder. */
  withoutSemantic(count: number): number[] {
    const missing: number[] = [];
    const { semantic } = this;
    if (semantic === undefined) return missing;
    for (let slot = 0; slot < this.cards.slots && missing.length < count; slot++) {
      if (hasBit(this.cards.alive, slot) && !semantic.has(slot)) missing.push(slot);
    }
    return missing;
  }

  /** Links up to `count` vectors of either kind and returns how many. */
  link(count: number): number {
    const done = this.vectors.link(count);
    return done + (this.semantic?.link(count - done) ?? 0);
  }

  /** Finds the breadth that this shard's own vectors need. */
  calibrate(): void {
    this.breadth = calibrateBreadth(this.vectors, this.cards.alive);
    this.semantic?.calibrate();
  }

  /** The live cards alone in a fresh shard, not yet linked. */
  compacted(vectors: VectorEngine, semantic?: SemanticSide): Shard {
    const shard = new Shard(vectors, semantic);
    shard.breadth = this.breadth;
    if (semantic !== undefined) semantic.breadth = this.semantic?.breadth ?? semantic.breadth;
    eachBit(this.cards.alive, (slot) => {
      const meaning = this.semantic?.vectorsOf(slot) ?? [];
      if (meaning.length > 0) semantic?.attach(shard.cards.slots, meaning);
      shard.#inStep(
        shard.cards.add(this.cards.row(slot)),
        shard.lexical.addFrom(this.lexical, slot),
        shard.vectors.add(this.vectors.vectorAt(slot)),
      );
    });
    return shard;
  }

  save(writer: SectionWriter): void {
    this.cards.save(writer);
    this.lexical.save(writer);
    this.vectors.save(writer);
    if (this.#holdsSemantic) this.semantic?.save(writer);
  }

  /** What a snapshot's header says of the semantic vectors; nothing when there are none. */
  get semanticHeader(): { engine: string; ef: number; cards: number } | undefined {
    if (this.semantic === undefined || !this.#holdsSemantic) return undefined;
    const { engineId, breadth, attached } = this.semantic;
    return { engine: engineId, ef: breadth, cards: attached };
  }

  /** Fills an empty shard from a snapshot that says it has `slots` slots. */
  async load(reader: SectionReader, { slots, ef }: { slots: number; ef: number }): Promise<void> {
    this.breadth = ef;
    await this.cards.load(reader, slots);
    await this.lexical.load(reader, slots);
    await this.vectors.load(reader);
    if (this.vectors.slots !== slots) throw new SnapshotFault('corrupt', 'parts differ in length');
  }

  /** Then the semantic vectors, where the snapshot has those of this shard's kind. */
  async loadSemantic(reader: SectionReader, slots: number, ef: number): Promise<void> {
    if (this.semantic === undefined) return;
    this.semantic.breadth = ef;
    await this.semantic.load(reader, slots);
  }

  get #holdsSemantic(): boolean {
    return (this.semantic?.attached ?? 0) > 0;
  }

  #inStep(slot: number, ...others: number[]): void {
    if (others.some((other) => other !== slot)) throw new Error('shard out of step');
  }
}
