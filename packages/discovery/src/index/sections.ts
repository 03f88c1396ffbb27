import { Checksum } from './checksum.ts';
import type { Column, Numbers } from './column.ts';

/** Why a snapshot cannot be used; the caller goes on without it and builds another. */
export type SnapshotFaultCode =
  | 'not-a-snapshot'
  | 'other-version'
  | 'other-embedder'
  | 'other-shape'
  | 'truncated'
  | 'corrupt';

/** Thrown while a snapshot is read; `readSnapshot` turns it into an answer. */
export class SnapshotFault extends Error {
  readonly code: SnapshotFaultCode;

  constructor(code: SnapshotFaultCode, detail: string) {
    super(detail);
    this.code = code;
  }
}

/** One named run of bytes in a snapshot. */
export interface Section {
  readonly name: string;
  readonly bytes: number;
  readonly checksum: string;
}

/** Adds up a section part by part. */
export interface RunningSum {
  update(part: Uint8Array): void;
  /** In hexadecimal digits. */
  digest(): string;
}

/** Collects sections as views of live memory: nothing is copied before it is written out. */
export class SectionWriter {
  readonly sections: Section[] = [];
  readonly parts: Uint8Array[] = [];

  /** Adds a section; `sum` where the owner of the bytes has a faster one. */
  add(name: string, parts: readonly Uint8Array[], sum: RunningSum = new Checksum()): void {
    const bytes = parts.reduce((total, part) => total + part.length, 0);
    for (const part of parts) sum.update(part);
    this.sections.push({ name, bytes, checksum: sum.digest() });
    this.parts.push(...parts);
  }

  column(name: string, { data, length }: Column<Numbers>): void {
    this.add(name, [bytesOf(data.subarray(0, length))]);
  }

  numbers(name: string, values: readonly number[]): void {
    this.add(name, [bytesOf(Float64Array.from(values))]);
  }
}

/** Reads the sections in the order they were written, straight into their final memory. */
export class SectionReader {
  readonly #sections: readonly Section[];
  readonly #fill: (target: Uint8Array) => Promise<void>;
  #next = 0;

  constructor(sections: readonly Section[], fill: (target: Uint8Array) => Promise<void>) {
    this.#sections = sections;
    this.#fill = fill;
  }

  /** Bytes of the section that comes next, which must have this name. */
  peek(name: string): number {
    const section = this.#sections[this.#next];
    if (section?.name === name) return section.bytes;
    throw new SnapshotFault('corrupt', `expected section ${name}, found ${section?.name}`);
  }

  /**
   * Fills `targets` with the next section, which must have exactly their length. Each is added up
   * right after it was written: targets of a few hundred KiB are still in the processor's cache.
   */
  async into(
    name: string,
    targets: readonly Uint8Array[],
    sum: RunningSum = new Checksum(),
  ): Promise<void> {
    const room = targets.reduce((total, target) => total + target.length, 0);
    if (this.peek(name) !== room) throw new SnapshotFault('corrupt', `${name} has another length`);
    for (const target of targets) {
      await this.#fill(target);
      sum.update(target);
    }
    if (sum.digest() !== this.#sections[this.#next]?.checksum) {
      throw new SnapshotFault('corrupt', `${name} fails its checksum`);
    }
    this.#next += 1;
  }

  /** Fills an empty column; with `rows`, it must have so many. */
  async column(name: string, column: Column<Numbers>, rows?: number): Promise<void> {
    const length = this.peek(name) / column.data.BYTES_PER_ELEMENT;
    if (!Number.isInteger(length) || (rows !== undefined && rows !== length)) {
      throw new SnapshotFault('corrupt', `${name} has ${length} rows`);
    }
    column.resize(length);
    await this.into(name, [bytesOf(column.data.subarray(0, length))]);
  }

  async numbers(name: string, count: number): Promise<number[]> {
    const values = new Float64Array(count);
    await this.into(name, [bytesOf(values)]);
    return [...values];
  }
}

/** The bytes of a typed array, not a copy. */
export function bytesOf({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
