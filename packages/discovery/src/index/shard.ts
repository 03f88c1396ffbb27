import { LexicalIndex } from '../lexical/bm25.ts';
import type { VectorEngine } from '../vector/engine.ts';
import { CardTable, type TableRow } from './card-table.ts';
import { type SectionReader, type SectionWriter, SnapshotFault } from './sections.ts';

/** One shard: columns, inverted index and vectors that share their slots. */
export class Shard {
  readonly cards = new CardTable();
  readonly lexical = new LexicalIndex();
  readonly vectors: VectorEngine;

  constructor(vectors: VectorEngine) {
    this.vectors = vectors;
  }

  /** Adds a card, in place of the one with the same key. */
  put(row: TableRow, terms: readonly string[], vector: Int8Array): void {
    this.remove(row.did, row.agent);
    const slot = this.cards.add(row);
    const lexicalSlot = this.lexical.add(terms);
    const vectorSlot = this.vectors.add(vector);
    if (lexicalSlot !== slot || vectorSlot !== slot) throw new Error('shard out of step');
  }

  save(writer: SectionWriter): void {
    this.cards.save(writer);
    this.lexical.save(writer);
    this.vectors.save(writer);
  }

  /** Fills an empty shard from a snapshot that says it has `slots` slots. */
  async load(reader: SectionReader, { slots }: { slots: number }): Promise<void> {
    await this.cards.load(reader, slots);
    await this.lexical.load(reader, slots);
    await this.vectors.load(reader);
    if (this.vectors.slots !== slots) throw new SnapshotFault('corrupt', 'parts differ in length');
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
}
