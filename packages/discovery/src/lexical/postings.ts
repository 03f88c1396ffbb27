import { uint32Column } from '../index/column.ts';
import {
  bytesOf,
  type SectionReader,
  type SectionWriter,
  SnapshotFault,
} from '../index/sections.ts';

const PAGE_BITS = 16;
const PAGE_CELLS = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_CELLS - 1;
const BLOCK_FIRST = 2;
const BLOCK_MAX = 512;

/**
 * Growing lists of 32-bit values, one a term, in one pool of pages. A list is a chain of blocks
 * of 2, 4, 8 … 512 cells whose last cell points to the next block, so that a term seen once
 * costs 8 bytes and a common one no more than 4.01 bytes a value, and nothing is ever copied.
 */
export class PostingLists {
  readonly #pages: Uint32Array[] = [];
  readonly #heads = uint32Column();
  readonly #tails = uint32Column();
  readonly #counts = uint32Column();
  #end = 0;

  /** Makes an empty list and returns its number, counting from 0. */
  open(): number {
    const block = this.#allocate(BLOCK_FIRST);
    this.#heads.push(block);
    this.#counts.push(0);
    return this.#tails.push(block);
  }

  get size(): number {
    return this.#heads.length;
  }

  count(list: number): number {
    return this.#counts.at(list);
  }

  append(list: number, value: number): void {
    const count = this.#counts.at(list);
    const { room, size } = blockAt(count);
    let tail = this.#tails.at(list);
    if (count > 0 && room === size - 1) {
      const next = this.#allocate(size);
      this.#write(tail, next);
      tail = next;
    }
    this.#write(tail, value);
    this.#tails.set(list, tail + 1);
    this.#counts.set(list, count + 1);
  }

  /** Copies a list into `target`, oldest first, and returns how many values it has. */
  copyInto(list: number, target: Uint32Array): number {
    const count = this.#counts.at(list);
    let block = this.#heads.at(list);
    let size = BLOCK_FIRST;
    for (let done = 0; done < count; ) {
      const take = Math.min(size - 1, count - done);
      const page = this.#pages[block >>> PAGE_BITS];
      const start = block & PAGE_MASK;
      if (page === undefined) throw new RangeError('posting chain leaves the pool');
      target.set(page.subarray(start, start + take), done);
      done += take;
      block = page[start + size - 1] ?? 0;
      size = Math.min(size * 2, BLOCK_MAX);
    }
    return count;
  }

  save(name: string, writer: SectionWriter): void {
    writer.column(`${name}.heads`, this.#heads);
    writer.column(`${name}.tails`, this.#tails);
    writer.column(`${name}.counts`, this.#counts);
    writer.add(`${name}.cells`, this.#filled());
  }

  /** Fills empty lists from a snapshot; there must be `lists` of them, inside their pool. */
  async load(name: string, reader: SectionReader, lists: number): Promise<void> {
    await reader.column(`${name}.heads`, this.#heads, lists);
    await reader.column(`${name}.tails`, this.#tails, lists);
    await reader.column(`${name}.counts`, this.#counts, lists);
    this.#end = reader.peek(`${name}.cells`) >>> 2;
    while (this.#pages.length * PAGE_CELLS < this.#end) {
      this.#pages.push(new Uint32Array(PAGE_CELLS));
    }
    await reader.into(`${name}.cells`, this.#filled());
    for (let list = 0; list < lists; list++) {
      const inside = this.#heads.at(list) < this.#end && this.#tails.at(list) < this.#end;
      if (inside && this.#counts.at(list) <= this.#end) continue;
      throw new SnapshotFault('corrupt', `${name} leaves its pool`);
    }
  }

  #filled(): Uint8Array[] {
    return this.#pages
      .map((page, i) => page.subarray(0, Math.min(PAGE_CELLS, this.#end - i * PAGE_CELLS)))
      .filter((page) => page.length > 0)
      .map(bytesOf);
  }

  #write(cell: number, value: number): void {
    const page = this.#pages[cell >>> PAGE_BITS];
    if (page === undefined) throw new RangeError('posting chain leaves the pool');
    page[cell & PAGE_MASK] = value;
  }

  #allocate(cells: number): number {
    const room = PAGE_CELLS - (this.#end & PAGE_MASK);
    if (room < cells) this.#end += room;
    if (this.#end >>> PAGE_BITS >= this.#pages.length) {
      this.#pages.push(new Uint32Array(PAGE_CELLS));
    }
    const start = this.#end;
    this.#end += cells;
    return start;
  }
}

/** The block that value number `count` goes to: its size, and the values it has room for. */
function blockAt(count: number): { size: number; room: number } {
  let size = BLOCK_FIRST;
  let before = 0;
  while (size < BLOCK_MAX && before + size - 1 <= count) {
    before += size - 1;
    size *= 2;
  }
  const inBlock = (count - before) % (size - 1);
  return { size, room: size - 1 - inBlock };
}
