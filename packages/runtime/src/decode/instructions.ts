import type { AdmitLimits } from '../limits.ts';
import { Immediate, immediateOf, PREFIX_FC, PREFIX_FD, refusedFeature } from './operations.ts';
import { blockTypeAllowed, valueTypeAllowed } from './profile.ts';
import { type Reader, Refusal } from './reader.ts';

/** Block type of no parameters and no results, as `s33` reads 0x40 (core spec 5.4.1). */
export const EMPTY_BLOCK = -64;

/**
 * The instructions of one body, as parallel arrays that are reused from body to body: a module has
 * millions of instructions, and an object for each would cost more than all else.
 */
export class InstructionStream {
  count = 0;
  /** 0..255 plain, 256.. prefix 0xFC, 512.. prefix 0xFD. */
  private ops = new Uint16Array(4096);
  private starts = new Uint32Array(4096);
  private immediates = new Int32Array(4096);
  /** Targets of the br_tables, in order; the immediate of one is where its list begins. */
  readonly targets: number[] = [];

  op(index: number): number {
    return this.ops[index] ?? 0;
  }

  /** Offset in the module of an instruction; of `count`, where the body ends. */
  start(index: number): number {
    return this.starts[index] ?? 0;
  }

  /** First index immediate (local, function, label …), or the block type. */
  immediate(index: number): number {
    return this.immediates[index] ?? 0;
  }

  clear(): void {
    this.count = 0;
    this.targets.length = 0;
  }

  push(op: number, start: number, immediate: number): void {
    const index = this.count++;
    if (index + 1 >= this.ops.length) this.grow();
    this.ops[index] = op;
    this.starts[index] = start;
    this.immediates[index] = immediate;
  }

  close(end: number): void {
    this.starts[this.count] = end;
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
  stream.clear();
  let depth = 0;
  for (;;) {
    const start = reader.at;
    let op = reader.byte();
    if (op >= 0xfb) op = prefixed(reader, op, start);
    const immediate = readImmediate(reader, stream, op, start, limits);
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
  start: number,
  limits: AdmitLimits,
): number {
  switch (immediateOf(op)) {
    case Immediate.none:
      return 0;
    case Immediate.index:
      return reader.u32();
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
