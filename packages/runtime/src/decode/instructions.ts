import type { AdmitLimits } from '../limits.ts';
import { Immediate, immediateOf, PREFIX_FC, PREFIX_FD, refusedFeature } from './operations.ts';
import { blockTypeAllowed, valueTypeAllowed } from './profile.ts';
import { type Reader, Refusal } from './reader.ts';

/** Block type of no parameters and no results, as `s33` reads 0x40 (core spec 5.4.1). */
export const EMPTY_BLOCK = -64;

/**
 * The instructions of all bodies, as parallel arrays: a module has millions of them, and an object
 * for each would cost more than all else. One body is looked at at a time.
 */
export class InstructionStream {
  /** Instructions of the body that is looked at. */
  count = 0;
  private base = 0;
  private next = 0;
  private readonly bodies: { base: number; count: number }[] = [];
  /** 0..255 plain, 256.. prefix 0xFC, 512.. prefix 0xFD. */
  private ops: Uint16Array;
  private starts: Uint32Array;
  private immediates: Int32Array;
  /** Targets of the br_tables, each list behind its length; the immediate of one is where. */
  readonly targets: number[] = [];

  /** @param capacity expected number of instructions; more are taken too */
  constructor(capacity = 4096) {
    this.ops = new Uint16Array(capacity);
    this.starts = new Uint32Array(capacity);
    this.immediates = new Int32Array(capacity);
  }

  op(index: number): number {
    return this.ops[this.base + index] ?? 0;
  }

  /** Offset in the module of an instruction; of `count`, where the body ends. */
  start(index: number): number {
    return this.starts[this.base + index] ?? 0;
  }

  /** First index immediate (local, function, label …), or the block type. */
  immediate(index: number): number {
    return this.immediates[this.base + index] ?? 0;
  }

  /** Looks at a body that was decoded before, by its place in the order of decoding. */
  select(body: number): void {
    const { base = 0, count = 0 } = this.bodies[body] ?? {};
    this.base = base;
    this.count = count;
  }

  /** Begins the next body. */
  begin(): void {
    this.base = this.next;
    this.count = 0;
  }

  push(op: number, start: number, immediate: number): void {
    const index = this.next++;
    if (index + 1 >= this.ops.length) this.grow();
    this.ops[index] = op;
    this.starts[index] = start;
    this.immediates[index] = immediate;
    this.count++;
  }

  /** Ends the body; its end offset takes a place of its own. */
  close(end: number): void {
    this.starts[this.next++] = end;
    this.bodies.push({ base: this.base, count: this.count });
  }

  private grow(): void {
    const length = this.ops.length * 2;
    const [ops, starts, immediates] = [this.ops, this.starts, this.immediates];
    this.ops = new Uint16Array(length);
    this.starts = new Uint32Array(length);
    this.immediates = new Int32Array(length);
    this.ops.set(ops);
    this.starts.set(starts);
    this.immediates.set(immediates);
  }
}

/**
 * Decodes the instructions of a body up to and with its final `end` (core spec 5.4). The reader
 * stands behind the local declarations; its end is the body's.
 */
export function decodeInstructions(
  reader: Reader,
  stream: InstructionStream,
  limits: AdmitLimits,
): void {
  stream.begin();
  let depth = 0;
  for (;;) {
    const start = reader.at;
    let op = reader.byte();
    if (op >= 0xfb) op = prefixed(reader, op, start);
    const coding = immediateOf(op);
    let immediate = 0;
    // Most instructions; the rest is worth a call.
    if (coding === Immediate.index) immediate = reader.u32();
    else if (coding !== Immediate.none) {
      immediate = readImmediate(reader, stream, op, coding, start, limits);
    }
    stream.push(op, start, immediate);
    if (op >= 0x02 && op <= 0x04) {
      if (++depth > limits.nestingMax) throw new Refusal('limit', 'block nesting', start);
    } else if (op === 0x0b && depth-- === 0) break;
  }
  if (reader.at !== reader.end) throw new Refusal('invalid', 'bytes behind a body', reader.at);
  stream.close(reader.at);
}

function prefixed(reader: Reader, prefix: number, start: number): number {
  if (prefix !== PREFIX_FC && prefix !== PREFIX_FD) {
    throw new Refusal('feature', refusedFeature(prefix, 0), start);
  }
  const sub = reader.u32();
  if (sub < 0x100) return (prefix === PREFIX_FC ? 0x100 : 0x200) + sub;
  throw new Refusal('feature', refusedFeature(prefix, sub), start);
}

function readImmediate(
  reader: Reader,
  stream: InstructionStream,
  op: number,
  coding: number,
  start: number,
  limits: AdmitLimits,
): number {
  switch (coding) {
    case Immediate.twoIndices:
      return readTwoIndices(reader, op);
    case Immediate.integer:
      reader.skipInteger();
      return 0;
    case Immediate.memory:
      readMemoryArgument(reader, start);
      return 0;
    case Immediate.memoryAndLane:
      readMemoryArgument(reader, start);
      return reader.byte();
    case Immediate.block:
      return readBlockType(reader, start);
    case Immediate.f32:
      reader.skip(4);
      return 0;
    case Immediate.f64:
      reader.skip(8);
      return 0;
    case Immediate.v128:
      reader.skip(16);
      return 0;
    case Immediate.lane:
      return reader.byte();
    case Immediate.memoryIndex:
      if (reader.u32() !== 0) throw new Refusal('feature', 'multiple memories', start);
      return 0;
    case Immediate.types:
    case Immediate.heapType:
      return readTypes(reader, op, start);
    case Immediate.branchTable:
      return readBranchTable(reader, stream, start, limits);
    default:
      throw new Refusal('feature', refusedFeature(op, 0), start);
  }
}

/** The index that matters: a type (call_indirect), a segment, or the table written. */
function readTwoIndices(reader: Reader, op: number): number {
  const first = reader.u32();
  const second = reader.u32();
  // memory.init and memory.copy name memories; there is one, and the engine has checked that.
  return op === 0x11 ? first : second;
}

function readMemoryArgument(reader: Reader, start: number): void {
  // Bit 6 of the alignment announces a memory index (multi-memory proposal).
  if (reader.u32() >= 32) throw new Refusal('feature', 'multiple memories', start);
  reader.u32();
}

function readBlockType(reader: Reader, start: number): number {
  const type = reader.s33();
  if (!blockTypeAllowed(type)) throw new Refusal('feature', 'block type', start);
  return type;
}

function readTypes(reader: Reader, op: number, start: number): number {
  const count = op === 0xd0 ? 1 : reader.u32();
  for (let i = 0; i < count; i++) {
    if (!valueTypeAllowed(reader.byte())) throw new Refusal('feature', 'value type', start);
  }
  return 0;
}

function readBranchTable(
  reader: Reader,
  stream: InstructionStream,
  start: number,
  limits: AdmitLimits,
): number {
  const count = reader.u32();
  if (count > limits.branchTableMax) throw new Refusal('limit', 'br_table targets', start);
  const first = stream.targets.length;
  stream.targets.push(count + 1);
  for (let i = 0; i <= count; i++) stream.targets.push(reader.u32());
  return first;
}
