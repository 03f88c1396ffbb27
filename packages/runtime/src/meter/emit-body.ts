import type { InstructionStream } from '../decode/instructions.ts';
import { ValueType } from '../decode/profile.ts';
import type { LocalDeclarations } from './call-graph.ts';
import { Lanes } from './nan-operations.ts';
import type { ChargePlan } from './segments.ts';
import type { Writer } from './writer.ts';

/** Where metering's own globals and functions stand, behind all of the module's. */
export interface MeterIndices {
  /** i64, gas left. Negative: spent. */
  readonly gas: number;
  /** i32, estimated native stack bytes left to the callee. Negative: spent. */
  readonly depth: number;
  /** i32, why a helper stopped the run: see `StopCode`. */
  readonly stop: number;
  /** i32, pages that the memory may have. */
  readonly pages: number;
  readonly chargeBytes: number;
  readonly chargeEntries: number;
  readonly grow: number;
}

/** Everything about one body that its emission needs. */
export interface BodyPlan {
  readonly bytes: Uint8Array;
  readonly stream: InstructionStream;
  readonly locals: LocalDeclarations;
  readonly charges: ChargePlan;
  /** Shape to make canonical by instruction; undefined where there is nothing to do. */
  readonly canonical: Uint8Array | undefined;
  /** Block type of no parameters and the function's results. */
  readonly resultBlock: number;
  readonly indices: MeterIndices;
  /** Whether the body charges; otherwise its callers pay for it, and it is only canonicalised. */
  readonly metered: boolean;
  /** Whether gas is kept in a local between calls. */
  readonly localCounter: boolean;
  /** Native bytes to count at entry; 0 for none. */
  readonly frameBytes: number;
  /** Whether something that the body calls counts stack, so that it publishes its own depth. */
  readonly tracksDepth: boolean;
  callPublishesGas(op: number, immediate: number): boolean;
  callPublishesDepth(op: number, immediate: number): boolean;
}

const I32_CONST = 0x41;
const I64_CONST = 0x42;
const LOCAL_GET = 0x20;
const LOCAL_SET = 0x21;
const LOCAL_TEE = 0x22;
const GLOBAL_GET = 0x23;
const GLOBAL_SET = 0x24;

/**
 * Writes one metered body: its size, its locals, its instructions.
 *
 *     block                      $stop: out of gas, or out of stack
 *       (entry charge and checks)
 *       block (results)          $body: what the author wrote, labels unchanged
 *         …
 *       end
 *       return
 *     end
 *     unreachable                one cold place for every check of the body
 */
export function emitBody(out: Writer, body: Writer, plan: BodyPlan): void {
  body.clear();
  new BodyEmitter(body, plan).emit();
  out.u32(body.length);
  out.append(body);
}

class BodyEmitter {
  private readonly out: Writer;
  private readonly plan: BodyPlan;
  private readonly counter: number;
  private readonly depth: number;
  /** By shape: a local to hold the value while it is compared with itself. */
  private readonly temporaries: number[] = [];
  private readonly addedLocals: number[] = [];
  private openBlocks = 0;
  /** Source bytes before this offset are written. */
  private copied: number;

  constructor(out: Writer, plan: BodyPlan) {
    this.out = out;
    this.plan = plan;
    this.counter = plan.localCounter ? this.addLocal(ValueType.i64) : -1;
    this.depth = plan.tracksDepth ? this.addLocal(ValueType.i32) : -1;
    this.copied = plan.stream.start(0);
    if (plan.canonical !== undefined) this.addTemporaries(plan.canonical);
  }

  emit(): void {
    const { out, plan } = this;
    const { stream } = plan;
    this.writeLocals();
    if (!plan.metered) {
      this.instructions();
      out.byte(0x0b);
      return;
    }
    out.put(0x02, 0x40);
    this.enter();
    out.byte(0x02);
    out.integer(plan.resultBlock);
    this.instructions();
    out.byte(0x0b);
    this.publishGas();
    out.put(0x0f, 0x0b);
    this.publishGas();
    this.publishDepth();
    out.put(0x00, 0x0b);
    if (this.copied !== stream.start(stream.count - 1)) throw new Error('body copied in part');
  }

  private addLocal(type: number): number {
    this.addedLocals.push(type);
    return this.plan.locals.types.length + this.addedLocals.length - 1;
  }

  private addTemporaries(canonical: Uint8Array): void {
    const count = this.plan.stream.count;
    let shapes = 0;
    for (let i = 0; i < count; i++) shapes |= 1 << (canonical[i] ?? 0);
    if (shapes & (1 << Lanes.f32)) this.temporaries[Lanes.f32] = this.addLocal(ValueType.f32);
    if (shapes & (1 << Lanes.f64)) this.temporaries[Lanes.f64] = this.addLocal(ValueType.f64);
    if (shapes & ((1 << Lanes.f32x4) | (1 << Lanes.f64x2))) {
      const vector = this.addLocal(ValueType.v128);
      this.temporaries[Lanes.f32x4] = vector;
      this.temporaries[Lanes.f64x2] = vector;
    }
  }

  private writeLocals(): void {
    const { out, plan } = this;
    out.u32(plan.locals.groups + this.addedLocals.length);
    out.copy(plan.bytes, plan.locals.start, plan.locals.end);
    for (const type of this.addedLocals) out.put(1, type);
  }

  /** Charges the first segment and checks, then counts the frame and checks. */
  private enter(): void {
    const { out, plan } = this;
    const { gas, depth } = plan.indices;
    this.op(GLOBAL_GET, gas);
    this.subtract(plan.charges.amount[0] ?? 0);
    if (plan.localCounter) this.op(LOCAL_SET, this.counter);
    else this.op(GLOBAL_SET, gas);
    if (plan.charges.checksEntry) {
      this.readGas();
      this.stopIfNegative(0);
    }
    if (!plan.tracksDepth) return;
    this.op(GLOBAL_GET, depth);
    if (plan.frameBytes === 0) {
      this.op(LOCAL_SET, this.depth);
      return;
    }
    out.byte(I32_CONST);
    out.integer(plan.frameBytes);
    out.byte(0x6b);
    this.op(LOCAL_TEE, this.depth);
    out.put(I32_CONST, 0, 0x48, 0x0d, 0);
  }

  private op(op: number, index: number): void {
    this.out.byte(op);
    this.out.u32(index);
  }

  private subtract(gas: number): void {
    this.out.byte(I64_CONST);
    this.out.integer(gas);
    this.out.byte(0x7d);
  }

  private stopIfNegative(label: number): void {
    this.out.put(I64_CONST, 0, 0x53, 0x0d);
    this.out.u32(label);
  }

  private readGas(): void {
    if (this.plan.localCounter) this.op(LOCAL_GET, this.counter);
    else this.op(GLOBAL_GET, this.plan.indices.gas);
  }

  private charge(gas: number): void {
    this.readGas();
    this.subtract(gas);
    if (this.plan.localCounter) this.op(LOCAL_SET, this.counter);
    else this.op(GLOBAL_SET, this.plan.indices.gas);
  }

  private publishGas(): void {
    if (!this.plan.localCounter) return;
    this.op(LOCAL_GET, this.counter);
    this.op(GLOBAL_SET, this.plan.indices.gas);
  }

  private reloadGas(): void {
    if (!this.plan.localCounter) return;
    this.op(GLOBAL_GET, this.plan.indices.gas);
    this.op(LOCAL_SET, this.counter);
  }

  private publishDepth(): void {
    if (!this.plan.tracksDepth) return;
    this.op(LOCAL_GET, this.depth);
    this.op(GLOBAL_SET, this.plan.indices.depth);
  }

  private copyTo(offset: number): void {
    this.out.copy(this.plan.bytes, this.copied, offset);
    this.copied = offset;
  }

  private instructions(): void {
    const { stream, charges, canonical } = this.plan;
    const last = stream.count - 1;
    let next = 1;
    for (let i = 0; i < last; i++) {
      while (charges.at[next] === i) this.enterSegment(next++, i);
      const op = stream.op(i);
      if (op <= 0x11) this.control(op, i);
      else if (op === 0x40) this.replace(i, this.plan.indices.grow);
      else if (op >= 0x108 && op <= 0x111) this.bulk(op, i);
      const lanes = canonical?.[i] ?? Lanes.none;
      if (lanes !== Lanes.none) this.canonicalise(lanes, i);
    }
    while (charges.at[next] === last) this.enterSegment(next++, last);
    this.copyTo(stream.start(last));
  }

  private enterSegment(segment: number, i: number): void {
    const { charges, stream } = this.plan;
    const gas = charges.amount[segment] ?? 0;
    const header = charges.header[segment] ?? false;
    if (gas === 0 && !header) return;
    this.copyTo(stream.start(i));
    // The check comes first, when all that was charged has been run or was given back.
    if (header) {
      this.readGas();
      this.stopIfNegative(this.openBlocks + 1);
    }
    this.charge(gas);
  }

  private control(op: number, i: number): void {
    const { plan } = this;
    if (op >= 0x02 && op <= 0x04) this.openBlocks++;
    else if (op === 0x0b) this.openBlocks--;
    else if (op === 0x10 || op === 0x11) this.call(op, i);
    else if (op === 0x0f && plan.localCounter) {
      this.copyTo(plan.stream.start(i));
      this.op(0x0c, this.openBlocks);
      this.copied = plan.stream.start(i + 1);
    } else if (op === 0x0d) this.refund(i);
    else if (op === 0x00) {
      this.copyTo(plan.stream.start(i));
      this.publishGas();
    }
  }

  private refund(i: number): void {
    const { plan, out } = this;
    const gas = plan.charges.refunds.get(i);
    if (gas === undefined) return;
    this.copyTo(plan.stream.start(i));
    out.put(0x04, 0x40);
    this.charge(-gas);
    this.op(0x0c, plan.stream.immediate(i) + 1);
    out.byte(0x0b);
    this.copied = plan.stream.start(i + 1);
  }

  private call(op: number, i: number): void {
    const { plan } = this;
    const immediate = plan.stream.immediate(i);
    if (!plan.callPublishesGas(op, immediate)) return;
    const depth = plan.callPublishesDepth(op, immediate);
    if (!plan.localCounter && !depth) return;
    this.copyTo(plan.stream.start(i));
    this.publishGas();
    if (depth) this.publishDepth();
    this.copyTo(plan.stream.start(i + 1));
    this.reloadGas();
  }

  /** Puts a call of a helper in the place of an instruction. */
  private replace(i: number, helper: number): void {
    const { stream } = this.plan;
    this.copyTo(stream.start(i));
    this.publishGas();
    this.op(0x10, helper);
    this.reloadGas();
    this.copied = stream.start(i + 1);
  }

  /** Operations on ranges: the helper charges for the length on top of the stack and leaves it. */
  private bulk(op: number, i: number): void {
    const { stream, indices } = this.plan;
    const memory = op === 0x108 || op === 0x10a || op === 0x10b;
    const table = op === 0x10c || op === 0x10e || op === 0x10f || op === 0x111;
    if (!memory && !table) return;
    this.copyTo(stream.start(i));
    this.publishGas();
    this.op(0x10, memory ? indices.chargeBytes : indices.chargeEntries);
    this.reloadGas();
  }

  /** `select(x, canonical NaN, x = x)`: the value itself unless it is a NaN (core spec 4.3.3). */
  private canonicalise(lanes: number, i: number): void {
    const { out } = this;
    const temporary = this.temporaries[lanes] ?? 0;
    this.copyTo(this.plan.stream.start(i + 1));
    this.op(LOCAL_TEE, temporary);
    out.put(...(CANONICAL_NAN[lanes] ?? []));
    this.op(LOCAL_GET, temporary);
    this.op(LOCAL_GET, temporary);
    out.put(...(SELECT_NUMBERS[lanes] ?? []));
  }
}

const NAN32 = [0x00, 0x00, 0xc0, 0x7f];
const NAN64 = [0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0xf8, 0x7f];

/** By shape: the instruction that gives the canonical NaN. */
const CANONICAL_NAN: readonly (readonly number[])[] = [
  [],
  [0x43, ...NAN32],
  [0x44, ...NAN64],
  [0xfd, 0x0c, ...NAN32, ...NAN32, ...NAN32, ...NAN32],
  [0xfd, 0x0c, ...NAN64, ...NAN64],
];

/** By shape: equality, then select; for vectors bitselect, lane by lane. */
const SELECT_NUMBERS: readonly (readonly number[])[] = [
  [],
  [0x5b, 0x1b],
  [0x61, 0x1b],
  [0xfd, 0x41, 0xfd, 0x52],
  [0xfd, 0x47, 0xfd, 0x52],
];
