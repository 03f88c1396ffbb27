import { EMPTY_BLOCK } from '../decode/instructions.ts';
import { Writer } from './writer.ts';

/** Types that metering adds behind the module's own. */
export class AddedTypes {
  readonly entries = new Writer(256);
  count = 0;
  private readonly first: number;
  private readonly byResults = new Map<string, number>();

  constructor(first: number) {
    this.first = first;
  }

  add(params: readonly number[], results: Uint8Array | readonly number[]): number {
    this.entries.byte(0x60);
    for (const types of [params, results]) {
      this.entries.u32(types.length);
      for (const type of types) this.entries.byte(type);
    }
    return this.first + this.count++;
  }

  /** Block type of no parameters and these results (core spec 5.4.1). */
  blockOf(results: Uint8Array): number {
    const [only] = results;
    if (only === undefined) return EMPTY_BLOCK;
    if (results.length === 1) return only - 0x80;
    const key = results.join();
    const known = this.byResults.get(key);
    if (known !== undefined) return known;
    const index = this.add([], results);
    this.byResults.set(key, index);
    return index;
  }
}
