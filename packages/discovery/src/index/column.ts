export type Numbers = Uint8Array | Uint16Array | Uint32Array | Int32Array | Float64Array;

const FIRST_CAPACITY = 64;

/**
 * One number a row in a typed array that grows by a quarter: a hundred thousand cards must fit
 * an isolate of 128 MB, where an object a card would not.
 */
export class Column<A extends Numbers> {
  /** Values; only the first `length` are meaningful. Replaced when the column grows. */
  data: A;
  length = 0;
  readonly #make: (capacity: number) => A;

  constructor(make: (capacity: number) => A) {
    this.#make = make;
    this.data = make(FIRST_CAPACITY);
  }

  /** Appends a value and returns its row. */
  push(value: number): number {
    if (this.length === this.data.length) this.reserve(Math.ceil(this.length * 1.25) + 64);
    this.data[this.length] = value;
    return this.length++;
  }

  /** The value of a row; reading past the end is a bug. */
  at(row: number): number {
    const value = this.data[row];
    if (value === undefined || row >= this.length) throw new RangeError(`no row ${row}`);
    return value;
  }

  set(row: number, value: number): void {
    if (row >= this.length) throw new RangeError(`no row ${row}`);
    this.data[row] = value;
  }

  /** Sets how many rows there are; new ones hold 0. */
  resize(length: number): void {
    this.reserve(length);
    this.length = length;
  }

  reserve(capacity: number): void {
    if (capacity <= this.data.length) return;
    const grown = this.#make(capacity);
    grown.set(this.data);
    this.data = grown;
  }
}

export const float64Column = () => new Column((capacity) => new Float64Array(capacity));
export const uint32Column = () => new Column((capacity) => new Uint32Array(capacity));
export const uint16Column = () => new Column((capacity) => new Uint16Array(capacity));
