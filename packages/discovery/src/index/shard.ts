import { LexicalIndex } from '../lexical/bm25.ts';
import { SignalCache } from '../rank/signal-cache.ts';
import type { VectorEngine } from '../vector/engine.ts';
import { eachBit } from './bitmap.ts';
import { calibrateBreadth } from './calibrate.ts';
import { CardTable, type TableRow } from './card-table.ts';
import { type SectionReader, type SectionWriter, SnapshotFault } from './sections.ts';

/** Breadth of graph searches before a calibration. */
const BREADTH_UNCALIBRATED = 256;

/** One shard: columns, inverted index and vectors that share their slots. */
export class Shard {
  readonly cards = new CardTable();
  readonly lexical = new LexicalIndex();
  /** What the last search learned of the publishers. */
  readonly signals = new SignalCache();
  readonly vectors: VectorEngine;
  /** Breadth of graph searches. */
  breadth = BREADTH_UNCALIBRATED;

  constructor(vectors: VectorEngine) {
    this.vectors = vectors;
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
    return true;
  }

  /** Finds the breadth that this shard's own vectors need. */
  calibrate(): void {
    this.breadth = calibrateBreadth(this.vectors, this.cards.alive);
  }

  /** The live cards alone in a fresh shard, not yet linked. */
  compacted(vectors: VectorEngine): Shard {
    const shard = new Shard(vectors);
    shard.breadth = this.breadth;
    eachBit(this.cards.alive, (slot) => {
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
  }

  /** Fills an empty shard from a snapshot that says it has `slots` slots. */
  async load(reader: SectionReader, { slots, ef }: { slots: number; ef: number }): Promise<void> {
    this.breadth = ef;
    await this.cards.load(reader, slots);
    await this.lexical.load(reader, slots);
    await this.vectors.load(reader);
    if (this.vectors.slots !== slots) throw new SnapshotFault('corrupt', 'parts differ in length');
  }

  #inStep(slot: number, ...others: number[]): void {
    if (others.some((other) => other !== slot)) throw new Error('shard out of step');
  }
}
