import type { InstructionStream } from '../decode/instructions.ts';
import { ValueType } from '../decode/profile.ts';
import type { ModuleShape } from '../decode/sections.ts';
import { arithmeticLanes, Lanes } from './nan-operations.ts';
import { EXACT, NUMBER, walkOperands } from './operand-walk.ts';

/** In a local's mask: some value of it has exact bits, from a load, a parameter or a result. */
const EXACT_BIT = 1;

/** What is known of a local over the whole body, in whatever order its instructions run. */
interface LocalUse {
  /** `EXACT_BIT`, and `1 << lanes` for each shape of arithmetic result that it may hold. */
  mask: number;
  /** What is set: arithmetic instructions or reads of locals. */
  readonly sources: number[];
  /** Locals that are set from this one. */
  readonly readers: number[];
  /** Reads whose bits something can tell. */
  readonly observedReads: number[];
  settled: boolean;
}

/**
 * Finds where results must be made canonical: behind arithmetic instructions, or behind reads of
 * locals that hold nothing but arithmetic results (an accumulator is then canonicalised once behind
 * its loop, not in it). `lanesAt` holds the shape by instruction.
 */
export class CanonicalPlan {
  lanesAt = new Uint8Array(4096);
  private loopDepth = new Uint8Array(4096);
  private locals: LocalUse[] = [];
  private stream: InstructionStream;
  /** Vector reads that are numbers to one instruction, if the local's shape is that one. */
  private readonly numericReads: { read: number; lanes: number }[] = [];
  private readonly unsettled: number[] = [];

  constructor(stream: InstructionStream) {
    this.stream = stream;
  }

  /** Plans the body in the stream. Gives false where nothing has to be canonicalised. */
  run(shape: ModuleShape, type: number, localTypes: Uint8Array): boolean {
    if (!this.prepare()) return false;
    const parameters = shape.types[type]?.params.length ?? 0;
    this.locals = Array.from(localTypes, (_, local) => newUse(local < parameters));
    this.numericReads.length = 0;
    walkOperands(shape, type, this.stream, {
      isFloat: (local) => isFloat(localTypes[local] ?? 0),
      observe: (source) => this.observe(source),
      numeric: (source, lanes) => this.numeric(source, lanes),
      assign: (local, source) => this.assign(local, source),
    });
    this.spreadMasks();
    for (const { read, lanes } of this.numericReads) {
      const mask = this.locals[this.stream.immediate(read)]?.mask ?? 0;
      if ((mask & ~(EXACT_BIT | (1 << lanes))) !== 0) this.observe(read);
    }
    for (let local = this.unsettled.pop(); local !== undefined; local = this.unsettled.pop()) {
      this.settle(local);
    }
    return true;
  }

  /** Clears the plan and notes loop depths; false when the body has no float arithmetic. */
  private prepare(): boolean {
    const { stream } = this;
    if (this.lanesAt.length < stream.count) {
      this.lanesAt = new Uint8Array(stream.count * 2);
      this.loopDepth = new Uint8Array(stream.count * 2);
    }
    this.lanesAt.fill(0, 0, stream.count);
    let found = false;
    let depth = 0;
    const loops: number[] = [];
    for (let i = 0; i < stream.count; i++) {
      const op = stream.op(i);
      if (arithmeticLanes(op) !== Lanes.none) found = true;
      if (op >= 0x02 && op <= 0x04) {
        loops.push(op === 0x03 ? 1 : 0);
        depth += op === 0x03 ? 1 : 0;
      } else if (op === 0x0b) depth -= loops.pop() ?? 0;
      this.loopDepth[i] = Math.min(depth, 6);
    }
    return found;
  }

  private observe(source: number): void {
    if (source < 0) return;
    const lanes = arithmeticLanes(this.stream.op(source));
    if (lanes !== Lanes.none) {
      this.lanesAt[source] = lanes;
      return;
    }
    const local = this.stream.immediate(source);
    const use = this.locals[local];
    if (use === undefined || this.lanesAt[source] !== 0) return;
    use.observedReads.push(source);
    this.unsettled.push(local);
  }

  private numeric(source: number, lanes: number): void {
    if (source < 0) return;
    const made = arithmeticLanes(this.stream.op(source));
    if (made === Lanes.none) this.numericReads.push({ read: source, lanes });
    else if (made !== lanes) this.observe(source);
  }

  private assign(local: number, source: number): void {
    const use = this.locals[local];
    if (use === undefined || source === NUMBER) return;
    if (source === EXACT) use.mask |= EXACT_BIT;
    else use.sources.push(source);
  }

  /** Spreads what locals may hold along assignments from local to local, to the fixed point. */
  private spreadMasks(): void {
    const pending: number[] = [];
    this.locals.forEach((use, local) => {
      for (const source of use.sources) {
        const lanes = arithmeticLanes(this.stream.op(source));
        if (lanes !== Lanes.none) use.mask |= 1 << lanes;
        else this.locals[this.stream.immediate(source)]?.readers.push(local);
      }
      if (use.mask !== 0) pending.push(local);
    });
    for (let local = pending.pop(); local !== undefined; local = pending.pop()) {
      const use = this.locals[local];
      for (const reader of use?.readers ?? []) {
        const target = this.locals[reader];
        const mask = (target?.mask ?? 0) | (use?.mask ?? 0);
        if (target === undefined || target.mask === mask) continue;
        target.mask = mask;
        pending.push(reader);
      }
    }
  }

  /** Decides for a local with observed reads: canonicalise what is set, or what is read. */
  private settle(local: number): void {
    const use = this.locals[local];
    if (use === undefined || use.observedReads.length === 0) return;
    const lanes = pureLanes(use.mask);
    if (!use.settled && lanes !== Lanes.none) {
      if (this.weight(use.observedReads) <= this.weight(use.sources)) {
        for (const read of use.observedReads) this.lanesAt[read] = lanes;
        use.observedReads.length = 0;
        return;
      }
    }
    if (use.settled) return;
    use.settled = true;
    for (const source of use.sources) this.observe(source);
  }

  private weight(instructions: readonly number[]): number {
    return instructions.reduce((sum, i) => sum + 8 ** (this.loopDepth[i] ?? 0), 0);
  }
}

function newUse(parameter: boolean): LocalUse {
  return {
    mask: parameter ? EXACT_BIT : 0,
    sources: [],
    readers: [],
    observedReads: [],
    settled: false,
  };
}

function isFloat(type: number): boolean {
  return type === ValueType.f32 || type === ValueType.f64 || type === ValueType.v128;
}

/** The shape, where all that a local holds is arithmetic results of one shape. */
function pureLanes(mask: number): number {
  switch (mask) {
    case 1 << Lanes.f32:
      return Lanes.f32;
    case 1 << Lanes.f64:
      return Lanes.f64;
    case 1 << Lanes.f32x4:
      return Lanes.f32x4;
    case 1 << Lanes.f64x2:
      return Lanes.f64x2;
    default:
      return Lanes.none;
  }
}
