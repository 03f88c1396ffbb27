import { uint16Column, uint32Column } from './column.ts';
import { BytePages } from './pages.ts';
import { bytesOf, type SectionReader, type SectionWriter, SnapshotFault } from './sections.ts';

const ENTRY_BYTES_MAX = 4_096;
const FIRST_TABLE = 256;

/** FNV-1a over bytes, spread so that its low bits index a power-of-two table. */
export function hashBytes(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < bytes.length; i++) hash = Math.imul(hash ^ (bytes[i] ?? 0), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 12)) >>> 0;
}

/**
 * Strings to dense numbers and back, as UTF-8 in pages with an open-addressing table: about
 * 14 bytes beyond the text itself, where a Map costs five times that.
 * Strings over 4 096 bytes throw; callers cut before.
 */
export class Dictionary {
  readonly #bytes = new BytePages();
  readonly #offsets = uint32Column();
  readonly #lengths = uint16Column();
  readonly #scratch = new Uint8Array(ENTRY_BYTES_MAX);
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  #table = new Uint32Array(FIRST_TABLE);

  get size(): number {
    return this.#offsets.length;
  }

  /** The number of a string, or -1. */
  find(text: string): number {
    const bytes = this.#encode(text);
    return (this.#table[this.#probe(bytes)] ?? 0) - 1;
  }

  /** The number of a string, a new one when it was not there. */
  intern(text: string): number {
    const bytes = this.#encode(text);
    const place = this.#probe(bytes);
    const known = this.#table[place] ?? 0;
    if (known !== 0) return known - 1;
    const id = this.#offsets.push(this.#bytes.append(bytes));
    this.#lengths.push(bytes.length);
    this.#table[place] = id + 1;
    if (this.size * 3 > this.#table.length * 2) this.#grow();
    return id;
  }

  text(id: number): string {
    return this.#decoder.decode(this.#entry(id));
  }

  save(name: string, writer: SectionWriter): void {
    this.#bytes.save(`${name}.bytes`, writer);
    writer.column(`${name}.offsets`, this.#offsets);
    writer.column(`${name}.lengths`, this.#lengths);
    writer.add(`${name}.table`, [bytesOf(this.#table)]);
  }

  /** Fills an empty dictionary from a snapshot. */
  async load(name: string, reader: SectionReader): Promise<void> {
    await this.#bytes.load(`${name}.bytes`, reader);
    await reader.column(`${name}.offsets`, this.#offsets);
    await reader.column(`${name}.lengths`, this.#lengths, this.size);
    this.#table = await loadTable(`${name}.table`, reader, this.size);
  }

  #entry(id: number): Uint8Array {
    return this.#bytes.view(this.#offsets.at(id), this.#lengths.at(id));
  }

  #encode(text: string): Uint8Array {
    const { read, written } = this.#encoder.encodeInto(text, this.#scratch);
    if (read !== text.length) throw new RangeError('dictionary entry too long');
    return this.#scratch.subarray(0, written);
  }

  /** Where the bytes are in the table, or the empty place where they belong. */
  #probe(bytes: Uint8Array): number {
    const mask = this.#table.length - 1;
    let place = hashBytes(bytes) & mask;
    for (;;) {
      const id = (this.#table[place] ?? 0) - 1;
      if (id < 0 || this.#equals(id, bytes)) return place;
      place = (place + 1) & mask;
    }
  }

  #equals(id: number, bytes: Uint8Array): boolean {
    if (this.#lengths.at(id) !== bytes.length) return false;
    const entry = this.#entry(id);
    for (let i = 0; i < bytes.length; i++) if (entry[i] !== bytes[i]) return false;
    return true;
  }

  #grow(): void {
    this.#table = new Uint32Array(this.#table.length * 2);
    for (let id = 0; id < this.size; id++) this.#table[this.#probe(this.#entry(id))] = id + 1;
  }
}

/** An open-addressing table of number + 1 or 0: a power of two, never full, all in range. */
export async function loadTable(
  name: string,
  reader: SectionReader,
  rows: number,
): Promise<Uint32Array<ArrayBuffer>> {
  const table = new Uint32Array(reader.peek(name) >>> 2);
  await reader.into(name, [bytesOf(table)]);
  const powerOfTwo = table.length > 1 && (table.length & (table.length - 1)) === 0;
  if (!powerOfTwo || !isTableOf(table, rows)) {
    throw new SnapshotFault('corrupt', `${name} is no table of ${rows} rows`);
  }
  return table;
}

/** Every entry is of one of so many rows, and a probe meets a free place. */
function isTableOf(table: Uint32Array, rows: number): boolean {
  let free = 0;
  let highest = 0;
  // No branch: a cold start reads hundreds of thousands of entries, in no order.
  for (let i = 0; i < table.length; i++) {
    const entry = table[i] ?? 0;
    highest = Math.max(highest, entry);
    free += Number(entry === 0);
  }
  return free > 0 && highest <= rows;
}
