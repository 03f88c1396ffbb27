import { Writer } from '../src/meter/writer.ts';
import {
  buildModule,
  F32,
  F64,
  type FunctionSource,
  I32,
  I64,
  sleb,
  uleb,
} from './module-builder.ts';

/** A small seeded generator (mulberry32): the same programs from the same seed. */
export class SeededRandom {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** An integer from 0 to below `bound`. */
  below(bound: number): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  pick<T>(values: readonly T[]): T {
    const value = values[this.below(values.length)];
    if (value === undefined) throw new Error('nothing to pick from');
    return value;
  }
}

const FUNCTIONS = 6;
const FUEL = 300;
const DEPTH = 4;
/** The fuel's global; then one of each type. */
const FUEL_GLOBAL = 0;
const TYPES: readonly number[] = [I32, I64, F32, F64];

/**
 * A random valid module. Its functions call each other, loop, branch, trap now and then, and end:
 * a counter of its own makes every function return once it is used up. Export `run` takes and gives
 * an i32.
 */
export function generateProgram(seed: number, floats: boolean): Uint8Array<ArrayBuffer> {
  const random = new SeededRandom(seed);
  const functions: FunctionSource[] = [];
  for (let index = 0; index < FUNCTIONS; index++) {
    const generator = new BodyGenerator(random, floats);
    const code = generator.generate();
    const source = { params: [I32], results: [I32], locals: generator.locals, code };
    functions.push(index === 0 ? { ...source, export: 'run' } : source);
  }
  return buildModule({
    functions,
    memory: { min: 1, max: 4 },
    tables: [{ min: FUNCTIONS + 2 }],
    elements: functions.map((_, index) => index),
    globals: [
      { type: I32, init: [0x41, sleb(FUEL)] },
      { type: I32, init: [0x41, 7] },
      { type: I64, init: [0x42, 9] },
      { type: F32, init: [0x43, 0, 0, 0x80, 0x3f] },
      { type: F64, init: [0x44, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f] },
    ],
  });
}

const I32_BINARY = [0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f, 0x71, 0x72, 0x73, 0x74, 0x75, 0x77];
const I32_COMPARE = [0x46, 0x47, 0x48, 0x49, 0x4a, 0x4f];
const I64_BINARY = [0x7c, 0x7d, 0x7e, 0x7f, 0x82, 0x83, 0x84, 0x85, 0x86, 0x88, 0x89];
const F32_UNARY = [0x8b, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91];
const F32_BINARY = [0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98];
const F64_UNARY = [0x99, 0x9a, 0x9b, 0x9c, 0x9d, 0x9e, 0x9f];
const F64_BINARY = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xa5, 0xa6];

class BodyGenerator {
  /** Two of each type behind the parameter, then loop counters. */
  readonly locals: number[] = TYPES.flatMap((type) => [type, type]);
  private readonly random: SeededRandom;
  private readonly types: readonly number[];
  private readonly out = new Writer(1024);
  /** Open labels that may be branched to without a value, innermost last; undefined for loops. */
  private readonly labels: (true | undefined)[] = [];

  constructor(random: SeededRandom, floats: boolean) {
    this.random = random;
    this.types = floats ? TYPES : [I32, I64];
  }

  generate(): Uint8Array {
    const { out } = this;
    // if (--fuel < 0) return 1
    out.put(0x23, FUEL_GLOBAL, 0x41, 1, 0x6b, 0x24, FUEL_GLOBAL);
    out.put(0x23, FUEL_GLOBAL, 0x41, 0, 0x48, 0x04, 0x40, 0x41, 1, 0x0f, 0x0b);
    const statements = 2 + this.random.below(5);
    for (let i = 0; i < statements; i++) this.statement(DEPTH);
    this.value(I32, DEPTH);
    return out.bytes();
  }

  private local(type: number): number {
    return 1 + 2 * TYPES.indexOf(type) + this.random.below(2);
  }

  private global(type: number): number {
    return 1 + TYPES.indexOf(type);
  }

  private statement(depth: number): void {
    const kind = depth <= 0 ? 0 : this.random.below(14);
    if (kind <= 3) this.assign(depth);
    else if (kind === 4) this.store(depth);
    else if (kind === 5 || kind === 6) this.block(depth);
    else if (kind === 7 || kind === 8) this.loop(depth);
    else if (kind === 9 || kind === 10) this.choose(depth);
    else if (kind === 11) this.branch(depth);
    else if (kind === 12) this.branchTable(depth);
    else this.rare(depth);
  }

  private assign(depth: number): void {
    const type = this.random.pick(this.types);
    this.value(type, depth - 1);
    if (this.random.below(4) === 0) this.out.put(0x24, this.global(type));
    else this.out.put(0x21, this.local(type));
  }

  private address(depth: number): void {
    this.value(I32, depth - 1);
    // Mostly inside of the first page; now and then anywhere.
    if (this.random.below(40) !== 0) this.out.put(0x41, ...sleb(0xfff0), 0x71);
  }

  private store(depth: number): void {
    const type = this.random.pick(this.types);
    this.address(depth);
    this.value(type, depth - 1);
    const op = type === I32 ? 0x36 : type === I64 ? 0x37 : type === F32 ? 0x38 : 0x39;
    this.out.put(op, 0, 0);
  }

  private body(depth: number, label: true | undefined): void {
    this.labels.push(label);
    const statements = 1 + this.random.below(3);
    for (let i = 0; i < statements; i++) this.statement(depth - 1);
    this.labels.pop();
  }

  private block(depth: number): void {
    this.out.put(0x02, 0x40);
    this.body(depth, true);
    this.out.byte(0x0b);
  }

  private loop(depth: number): void {
    const counter = 1 + this.locals.length;
    this.locals.push(I32);
    this.out.put(0x41, 1 + this.random.below(6), 0x21, ...uleb(counter), 0x03, 0x40);
    this.body(depth, undefined);
    const index = uleb(counter);
    this.out.put(0x20, ...index, 0x41, 1, 0x6b, 0x22, ...index, 0x41, 0, 0x4a, 0x0d, 0, 0x0b);
  }

  private choose(depth: number): void {
    this.value(I32, depth - 1);
    this.out.put(0x04, 0x40);
    this.body(depth, true);
    if (this.random.below(3) > 0) {
      this.out.byte(0x05);
      this.body(depth, true);
    }
    this.out.byte(0x0b);
  }

  /** Depths of the labels that can be branched to. */
  private targets(): number[] {
    const last = this.labels.length - 1;
    return this.labels.flatMap((label, index) => (label === true ? [last - index] : []));
  }

  private branch(depth: number): void {
    const targets = this.targets();
    if (targets.length === 0) return;
    const target = this.random.pick(targets);
    if (this.random.below(4) > 0) {
      this.value(I32, depth - 1);
      this.out.put(0x0d, target);
    } else if (this.random.below(3) > 0) this.out.put(0x0c, target);
    else {
      this.value(I32, depth - 1);
      this.out.byte(0x0f);
    }
  }

  private branchTable(depth: number): void {
    const targets = this.targets();
    if (targets.length === 0) return;
    this.value(I32, depth - 1);
    const count = 1 + this.random.below(4);
    this.out.put(0x0e, count);
    for (let i = 0; i <= count; i++) this.out.byte(this.random.pick(targets));
  }

  private rare(depth: number): void {
    const kind = this.random.below(8);
    if (kind === 0) this.out.put(0x41, this.random.below(3), 0x40, 0, 0x1a);
    else if (kind === 1) {
      this.value(I32, depth - 1);
      this.out.put(0x41, ...sleb(0x7fffffff), 0x46, 0x04, 0x40, 0x00, 0x0b);
    } else if (kind === 2) {
      // memory.fill of a few bytes
      this.address(depth);
      this.out.put(0x41, 5, 0x41, 9, 0xfc, 11, 0);
    } else if (kind === 3) this.out.put(0x41, 1, 0x41, 2, 0x41, 3, 0xfc, 10, 0, 0);
    else {
      this.value(I32, depth - 1);
      this.out.byte(0x1a);
    }
  }

  private value(type: number, depth: number): void {
    const kind = depth <= 0 ? this.random.below(3) : this.random.below(10);
    if (kind === 0) this.constant(type);
    else if (kind === 1) this.out.put(0x20, this.local(type));
    else if (kind === 2) this.out.put(0x23, this.global(type));
    else if (kind === 3) this.load(type, depth);
    else if (kind === 4) {
      this.value(type, depth - 1);
      this.out.put(0x22, this.local(type));
    } else if (kind === 5) {
      this.value(type, depth - 1);
      this.value(type, depth - 1);
      this.value(I32, depth - 1);
      this.out.byte(0x1b);
    } else if (type === I32) this.integer(depth);
    else this.arithmetic(type, depth);
  }

  private constant(type: number): void {
    const { out, random } = this;
    const small = random.pick([0, 1, 2, 3, 7, 63, -1, 1000]);
    if (type === I32) out.put(0x41, ...sleb(random.below(20) === 0 ? 0x7fffffff : small));
    else if (type === I64) out.put(0x42, ...sleb(small));
    else {
      const bytes = new Uint8Array(type === F32 ? 4 : 8);
      const view = new DataView(bytes.buffer);
      const value = random.pick([
        0,
        -0,
        1,
        -1.5,
        1e30,
        Number.POSITIVE_INFINITY,
        Number.NaN,
        small,
      ]);
      if (type === F32) view.setFloat32(0, value, true);
      else view.setFloat64(0, value, true);
      out.put(type === F32 ? 0x43 : 0x44, ...bytes);
    }
  }

  private load(type: number, depth: number): void {
    this.address(depth);
    const op = type === I32 ? 0x28 : type === I64 ? 0x29 : type === F32 ? 0x2a : 0x2b;
    this.out.put(op, 0, 0);
  }

  private integer(depth: number): void {
    const { out, random } = this;
    const kind = random.below(8);
    if (kind === 0) {
      const type = random.pick(this.types);
      this.value(type, depth - 1);
      this.value(type, depth - 1);
      out.byte(
        type === I32 ? random.pick(I32_COMPARE) : type === I64 ? 0x53 : type === F32 ? 0x5d : 0x63,
      );
    } else if (kind === 1) {
      this.value(I32, depth - 1);
      out.put(0x10, random.below(FUNCTIONS));
    } else if (kind === 2) {
      this.value(I32, depth - 1);
      this.value(I32, depth - 1);
      out.put(0x41, 7, 0x71, 0x11, 0, 0);
    } else if (kind === 3 && this.types.length > 2) {
      this.value(F32, depth - 1);
      // The bits of a float, or a saturating truncation.
      out.put(...random.pick([[0xbc], [0xfc, 0]]));
    } else if (kind === 4) {
      this.value(I64, depth - 1);
      out.byte(0xa7);
    } else {
      this.value(I32, depth - 1);
      this.value(I32, depth - 1);
      out.byte(random.pick(I32_BINARY));
    }
  }

  private arithmetic(type: number, depth: number): void {
    const { out, random } = this;
    const convert = random.below(5) === 0;
    if (convert) {
      this.value(I32, depth - 1);
      out.byte(type === I64 ? 0xac : type === F32 ? 0xb2 : 0xb7);
    } else if (type !== I64 && random.below(3) === 0) {
      this.value(type, depth - 1);
      out.byte(random.pick(type === F32 ? F32_UNARY : F64_UNARY));
    } else {
      this.value(type, depth - 1);
      this.value(type, depth - 1);
      out.byte(random.pick(type === I64 ? I64_BINARY : type === F32 ? F32_BINARY : F64_BINARY));
    }
  }
}
