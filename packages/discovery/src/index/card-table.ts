import { type Bitmap, bitmapFor, clearBit, countBits, eachBit, hasBit, setBit } from './bitmap.ts';
import { type Column, float64Column, type Numbers, uint32Column } from './column.ts';
import { Dictionary, hashBytes } from './dictionary.ts';
import { referencePrice } from './document.ts';
import { type Facet, Facets } from './facets.ts';
import { BytePages } from './pages.ts';
import { type CardRecord, decodeRecord, encodeRecord } from './record.ts';
import type { SectionReader, SectionWriter } from './sections.ts';
import { SlotTable } from './slot-table.ts';

/** A card as the table keeps it. */
export interface TableRow {
  readonly did: string;
  readonly agent: string;
  /** Milliseconds since 1970. */
  readonly expiresAt: number;
  readonly record: CardRecord;
}

/**
 * The cards of one shard as columns: who, until when, for how much, and a record of bytes that
 * is only read for the few cards of an answer. Slots rise and are never used twice; a removed
 * card's slot stays dead until the shard is compacted.
 */
export class CardTable {
  readonly dids = new Dictionary();
  readonly #agents = new Dictionary();
  readonly #facets = new Facets();
  readonly #didIds = uint32Column();
  readonly #agentIds = uint32Column();
  readonly #expiries = float64Column();
  /** Reference prices rounded to doubles; rounding keeps their order, ties ask the record. */
  readonly #prices = float64Column();
  readonly #ties = uint32Column();
  readonly #recordOffsets = uint32Column();
  readonly #recordBytes = uint32Column();
  readonly #records = new BytePages();
  readonly #slots = new SlotTable(this.#didIds, this.#agentIds);
  readonly #encoder = new TextEncoder();
  #alive: Bitmap = bitmapFor(0);
  #live = 0;
  #unexpired: { bits: Bitmap; count: number; from: number; until: number } | undefined;

  /** Slots given out so far, dead ones included. */
  get slots(): number {
    return this.#didIds.length;
  }

  /** Cards in the table, expired ones included. */
  get size(): number {
    return this.#live;
  }

  /** Adds a card whose key is not in the table and returns its slot. */
  add(row: TableRow): number {
    const slot = this.#didIds.push(this.dids.intern(row.did));
    this.#agentIds.push(this.#agents.intern(row.agent));
    this.#expiries.push(row.expiresAt);
    this.#prices.push(Number(referencePrice(row.record.price)));
    this.#ties.push(hashBytes(this.#encoder.encode(`${row.did}#${row.agent}`)));
    const bytes = encodeRecord(row.record);
    this.#recordOffsets.push(this.#records.append(bytes));
    this.#recordBytes.push(bytes.length);
    this.#facets.add('tags', row.record.tags, slot);
    this.#facets.add('region', row.record.regions, slot);
    const skills = row.record.skills.map(({ id }) => id);
    this.#facets.add('skills', skills, slot);
    this.#slots.set(slot);
    this.#markAlive(slot);
    return slot;
  }

  remove(slot: number): void {
    clearBit(this.#alive, slot);
    this.#live -= 1;
    this.#unexpired = undefined;
  }

  /** The live slot of a card, or -1. */
  find(did: string, agent: string): number {
    const didId = this.dids.find(did);
    const agentId = this.#agents.find(agent);
    const slot = didId < 0 || agentId < 0 ? -1 : this.#slots.find(didId, agentId);
    return slot >= 0 && hasBit(this.#alive, slot) ? slot : -1;
  }

  /**
   * Slots of cards that are not removed and not expired at `now` (ms), and how many. The set is kept until the
   * next expiry, so a search does not look at every card's date. Callers must not change it.
   */
  liveAt(now: number): { bits: Bitmap; count: number } {
    const kept = this.#unexpired;
    if (kept !== undefined && now >= kept.from && now < kept.until) return kept;
    const bits = this.#alive.slice();
    let until = Number.POSITIVE_INFINITY;
    let from = Number.NEGATIVE_INFINITY;
    for (let slot = 0; slot < this.slots; slot++) {
      if (!hasBit(bits, slot)) continue;
      const expiry = this.#expiries.at(slot);
      if (expiry <= now) {
        clearBit(bits, slot);
        from = Math.max(from, expiry);
      } else {
        until = Math.min(until, expiry);
      }
    }
    this.#unexpired = { bits, count: countBits(bits), from, until };
    return this.#unexpired;
  }

  /** Slots of cards that are not removed, expired or not. Callers must not change it. */
  get alive(): Bitmap {
    return this.#alive;
  }

  /** Gives a card another end. */
  renew(slot: number, expiresAt: number): void {
    this.#expiries.set(slot, expiresAt);
    this.#unexpired = undefined;
  }

  /** Slots of cards that are not removed and have expired at `now` (ms). */
  expiredAt(now: number): number[] {
    const expired: number[] = [];
    eachBit(this.#alive, (slot) => {
      if (this.#expiries.at(slot) <= now) expired.push(slot);
    });
    return expired;
  }

  /** Calls `visit` with each value that any card ever carried, and the slots that did. */
  eachFacet(visit: (facet: Facet, value: string, slots: Uint32Array) => void): void {
    this.#facets.each(visit);
  }

  withFacet(facet: 'tags' | 'skills' | 'region', value: string): Bitmap {
    return this.#facets.slotsWith(facet, value, this.slots);
  }

  /** Whether the reference run costs at most `ceiling` micro-units. */
  costsAtMost(slot: number, ceiling: bigint, ceilingRounded: number): boolean {
    const price = this.#prices.at(slot);
    if (price !== ceilingRounded) return price < ceilingRounded;
    return referencePrice(this.record(slot).price) <= ceiling;
  }

  /** The reference price, rounded to a double; for scores only. */
  priceOf(slot: number): number {
    return this.#prices.at(slot);
  }

  didId(slot: number): number {
    return this.#didIds.at(slot);
  }

  /** A number made of the key alone: orders equal scores the same way in every index. */
  tieOf(slot: number): number {
    return this.#ties.at(slot);
  }

  row(slot: number): TableRow {
    return {
      did: this.dids.text(this.#didIds.at(slot)),
      agent: this.#agents.text(this.#agentIds.at(slot)),
      expiresAt: this.#expiries.at(slot),
      record: this.record(slot),
    };
  }

  record(slot: number): CardRecord {
    const bytes = this.#records.view(this.#recordOffsets.at(slot), this.#recordBytes.at(slot));
    return decodeRecord(bytes);
  }

  save(writer: SectionWriter): void {
    this.dids.save('cards.dids', writer);
    this.#agents.save('cards.agents', writer);
    for (const [name, column] of this.#columns()) writer.column(name, column);
    this.#records.save('cards.records', writer);
    this.#slots.save('cards.slots', writer);
    this.#facets.save(writer);
    writer.add('cards.alive', [this.#alive.subarray(0, bitmapFor(this.slots).length)]);
  }

  /** Fills an empty table from a snapshot of `slots` slots. */
  async load(reader: SectionReader, slots: number): Promise<void> {
    await this.dids.load('cards.dids', reader);
    await this.#agents.load('cards.agents', reader);
    for (const [name, column] of this.#columns()) await reader.column(name, column, slots);
    await this.#records.load('cards.records', reader);
    await this.#slots.load('cards.slots', reader);
    await this.#facets.load(reader);
    this.#alive = bitmapFor(slots);
    await reader.into('cards.alive', [this.#alive]);
    this.#live = countBits(this.#alive);
    this.#unexpired = undefined;
  }

  #columns(): [string, Column<Numbers>][] {
    return [
      ['cards.did', this.#didIds],
      ['cards.agent', this.#agentIds],
      ['cards.expiry', this.#expiries],
      ['cards.price', this.#prices],
      ['cards.tie', this.#ties],
      ['cards.record.offsets', this.#recordOffsets],
      ['cards.record.bytes', this.#recordBytes],
    ];
  }

  #markAlive(slot: number): void {
    if (slot >= this.#alive.length * 8) {
      const grown = bitmapFor(Math.ceil(slot * 1.25) + 64);
      grown.set(this.#alive);
      this.#alive = grown;
    }
    setBit(this.#alive, slot);
    this.#live += 1;
    this.#unexpired = undefined;
  }
}
