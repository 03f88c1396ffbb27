import { ValueType } from '../decode/profile.ts';
import type { BodyPlan } from './body-plan.ts';
import { LocalLayout } from './local-layout.ts';
import { CANONICAL_NAN, LANE_TYPES, SELECT_NUMBERS } from './nan-code.ts';
import { Lanes } from './nan-operations.ts';
import { Passed } from './passing.ts';
import type { Writer } from './writer.ts';

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
 *       (gas left)               where it is passed: one more result
 *       return
 *     end
 *     (gas and depth to their globals)
 *     unreachable                one cold place for every check of the body
 */
export function emitBody(out: Writer, head: Writer, body: Writer, plan: BodyPlan): void {
  head.clear();
  body.clear();
  const layout = new LocalLayout(plan.locals, plan.params, plan.passed);
  new BodyEmitter(body, plan, layout).emit();
  // Locals are declared as they turn out to be needed.
  layout.write(head, plan.bytes);
  out.u32(head.length + body.length);
  out.append(head);
  out.append(body);
}

class BodyEmitter {
  private readonly out: Writer;
  private readonly plan: BodyPlan;
  private readonly counter: number;
  private readonly depth: number;
  /** By shape: a local to hold the value while it is compared with itself. */
  private readonly temporaries: number[] = [];
  private readonly layout: LocalLayout;
  /** Holds the table index of a `call_indirect` while the counters go below it. */
  private tableIndex = -1;
  private openBlocks = 0;
  /** Source bytes before this offset are written. */
  private copied: number;

  constructor(out: Writer, plan: BodyPlan, layout: LocalLayout) {
    this.out = out;
    this.plan = plan;
    this.layout = layout;
    const { params, passed } = plan;
    if (passed !== Passed.nothing) this.counter = params;
    else this.counter = plan.localCounter ? layout.add(ValueType.i64) : -1;
    if (passed === Passed.gasAndDepth) this.depth = params + 1;
    else this.depth = plan.tracksDepth ? layout.add(ValueType.i32) : -1;
    this.copied = plan.stream.start(0);
  }

  emit(): void {
    const { out, plan } = this;
    const { stream } = plan;
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
    if (plan.passed === Passed.nothing) this.publishGas();
    else this.op(LOCAL_GET, this.counter);
    out.put(0x0f, 0x0b);
    this.publishGas();
    this.publishDepth();
    out.put(0x00, 0x0b);
    if (this.copied !== stream.start(stream.count - 1)) throw new Error('body copied in part');
  }

  private temporary(lanes: number): number {
    const known = this.temporaries[lanes];
    if (known !== undefined) return known;
    const added = this.layout.add(LANE_TYPES[lanes] ?? ValueType.v128);
    this.temporaries[lanes] = added;
    return added;
  }

  /** Charges the first segment and checks, then counts the frame and checks. */
  private enter(): void {
    const { out, plan } = this;
    const { gas, depth } = plan.indices;
    if (plan.passed === Passed.nothing) this.op(GLOBAL_GET, gas);
    else this.op(LOCAL_GET, this.counter);
    this.subtract(plan.charges.amount[0] ?? 0);
    if (!plan.charges.checksEntry) this.writeGas();
    else {
      if (this.counter >= 0) this.op(LOCAL_TEE, this.counter);
      else {
        this.writeGas();
        this.readGas();
      }
      this.stopIfNegative(0);
    }
    if (!plan.tracksDepth) return;
    if (plan.passed !== Passed.gasAndDepth) this.op(GLOBAL_GET, depth);
    else if (plan.frameBytes > 0) this.op(LOCAL_GET, this.depth);
    if (plan.frameBytes === 0) {
      if (plan.passed !== Passed.gasAndDepth) this.op(LOCAL_SET, this.depth);
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
    if (this.counter >= 0) this.op(LOCAL_GET, this.counter);
    else this.op(GLOBAL_GET, this.plan.indices.gas);
  }

  private charge(gas: number): void {
    this.readGas();
    this.subtract(gas);
    this.writeGas();
  }

  private writeGas(): void {
    if (this.counter >= 0) this.op(LOCAL_SET, this.counter);
    else this.op(GLOBAL_SET, this.plan.indices.gas);
  }

  private publishGas(): void {
    if (this.counter < 0) return;
    this.op(LOCAL_GET, this.counter);
    this.op(GLOBAL_SET, this.plan.indices.gas);
  }

  private reloadGas(): void {
    if (this.counter < 0) return;
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
      else if (op >= 0x20 && op <= 0x22) this.local(op, i);
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
    else if (op === 0x0f && this.counter >= 0) {
      this.copyTo(plan.stream.start(i));
      this.op(0x0c, this.openBlocks);
      this.copied = plan.stream.start(i + 1);
    } else if (op === 0x0d) this.refund(i);
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
    const passed = plan.callPasses(op, immediate);
    if (passed !== Passed.nothing) {
      this.passingCall(op, i, passed);
      return;
    }
    if (!plan.callPublishesGas(op, immediate)) return;
    const depth = plan.callPublishesDepth(op, immediate);
    if (this.counter < 0 && !depth) return;
    this.copyTo(plan.stream.start(i));
    this.publishGas();
    if (depth) this.publishDepth();
    this.copyTo(plan.stream.start(i + 1));
    this.reloadGas();
  }

  /** Hands the counters to the callee, and takes what gas it has left. */
  private passingCall(op: number, i: number, passed: Passed): void {
    const { plan, out } = this;
    const { stream } = plan;
    this.copyTo(stream.start(i));
    if (op === 0x11) {
      if (this.tableIndex < 0) this.tableIndex = this.layout.add(ValueType.i32);
      this.op(LOCAL_SET, this.tableIndex);
    }
    this.readGas();
    if (passed === Passed.gasAndDepth) {
      // A callee that never counts is handed a depth because others of its signature do.
      if (this.depth >= 0) this.op(LOCAL_GET, this.depth);
      else out.put(I32_CONST, 0);
    }
    if (op === 0x11) {
      this.op(LOCAL_GET, this.tableIndex);
      this.op(op, plan.calledType(stream.immediate(i)));
      this.copied = behindInteger(plan.bytes, stream.start(i) + 1);
    }
    this.copyTo(stream.start(i + 1));
    this.writeGas();
  }

  /** Locals whose places the counters have taken. */
  private local(op: number, i: number): void {
    const { stream } = this.plan;
    const local = stream.immediate(i);
    if (!this.layout.moves(local)) return;
    this.copyTo(stream.start(i));
    this.op(op, this.layout.moved(local));
    this.copied = stream.start(i + 1);
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
    const temporary = this.temporary(lanes);
    this.copyTo(this.plan.stream.start(i + 1));
    this.op(LOCAL_TEE, temporary);
    out.put(...(CANONICAL_NAN[lanes] ?? []));
    this.op(LOCAL_GET, temporary);
    this.op(LOCAL_GET, temporary);
    out.put(...(SELECT_NUMBERS[lanes] ?? []));
  }
}

/** Offset behind a LEB128. */
function behindInteger(bytes: Uint8Array, start: number): number {
  let at = start;
  while ((bytes[at] ?? 0) >= 0x80) at++;
  return at + 1;
}
