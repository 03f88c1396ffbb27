import type { SectionReader, SectionWriter } from './sections.ts';

const PAGE_BITS = 18;
const PAGE_BYTES = 1 << PAGE_BITS;
const PAGE_MASK = PAGE_BYTES - 1;

/**
 * Append-only bytes in pages of 256 KiB: growing never copies what is there, so the peak is one
 * page above what is kept. An entry never straddles two pages; offsets stay below 4 GiB.
 */
export class BytePages {
  readonly pages: Uint8Array[] = [];
  #end = 0;

  /** Keeps a copy of `bytes` and returns its offset. */
  append(bytes: Uint8Array): number {
    if (bytes.length > PAGE_BYTES) throw new RangeError('entry larger than a page');
    const room = PAGE_BYTES - (this.#end & PAGE_MASK);
    if (room < bytes.length) this.#end += room;
    const index = this.#end >>> PAGE_BITS;
    while (this.pages.length <= index) this.pages.push(new Uint8Array(PAGE_BYTES));
    const offset = this.#end;
    this.pages[index]?.set(bytes, offset & PAGE_MASK);
    this.#end += bytes.length;
    return offset;
  }

  /** A view, not a copy. */
  view(offset: number, length: number): Uint8Array {
    const page = this.pages[offset >>> PAGE_BITS];
    if (page === undefined) throw new RangeError(`no page at ${offset}`);
    const start = offset & PAGE_MASK;
    return page.subarray(start, start + length);
  }

  save(name: string, writer: SectionWriter): void {
    writer.add(name, this.#filled());
  }

  /** Fills empty pages from a snapshot. */
  async load(name: string, reader: SectionReader): Promise<void> {
    this.#end = reader.peek(name);
    const pages = Math.ceil(this.#end / PAGE_BYTES);
    while (this.pages.length < pages) this.pages.push(new Uint8Array(PAGE_BYTES));
    await reader.into(name, this.#filled());
  }

  #filled(): Uint8Array[] {
    return this.pages
      .map((page, i) => page.subarray(0, Math.min(PAGE_BYTES, this.#end - i * PAGE_BYTES)))
      .filter((page) => page.length > 0);
  }

  get byteLength(): number {
    return this.#end;
  }
}
