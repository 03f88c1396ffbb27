import type { Column } from './column.ts';
import { loadTable } from './dictionary.ts';
import { bytesOf, type SectionReader, type SectionWriter } from './sections.ts';

/**
 * From (did, agent) numbers to the newest slot of that card, by open addressing over the two
 * columns themselves. An entry stays when its card is removed and is pointed anew when it returns.
 */
export class SlotTable {
  readonly #dids: Column<Uint32Array>;
  readonly #agents: Column<Uint32Array>;
  #table = new Uint32Array(256);
  #used = 0;

  constructor(dids: Column<Uint32Array>, agents: Column<Uint32Array>) {
    this.#dids = dids;
    this.#agents = agents;
  }

  find(did: number, agent: number): number {
    return (this.#table[this.#probe(did, agent)] ?? 0) - 1;
  }

  /** Points the key of `slot` to it. */
  set(slot: number): void {
    const place = this.#probe(this.#dids.at(slot), this.#agents.at(slot));
    if (this.#table[place] === 0) this.#used += 1;
    this.#table[place] = slot + 1;
    if (this.#used * 3 > this.#table.length * 2) this.#grow();
  }

  save(name: string, writer: SectionWriter): void {
    writer.add(name, [bytesOf(this.#table)]);
  }

  /** Fills the table from a snapshot whose columns are there already. */
  async load(name: string, reader: SectionReader): Promise<void> {
    this.#table = await loadTable(name, reader, this.#dids.length);
    this.#used = 0;
    for (const entry of this.#table) if (entry !== 0) this.#used += 1;
  }

  #probe(did: number, agent: number): number {
    const mask = this.#table.length - 1;
    let place = mix(did, agent) & mask;
    for (;;) {
      const slot = (this.#table[place] ?? 0) - 1;
      if (slot < 0) return place;
      if (this.#dids.at(slot) === did && this.#agents.at(slot) === agent) return place;
      place = (place + 1) & mask;
    }
  }

  #grow(): void {
    const old = this.#table;
    this.#table = new Uint32Array(old.length * 2);
    for (const entry of old) {
      if (entry === 0) continue;
      const slot = entry - 1;
      this.#table[this.#probe(this.#dids.at(slot), this.#agents.at(slot))] = entry;
    }
  }
}

function mix(did: number, agent: number): number {
  const hash = Math.imul(did ^ Math.imul(agent, 0x9e3779b1), 0x85ebca6b);
  return (hash ^ (hash >>> 15)) >>> 0;
}
