import { EMPTY_BLOCK, type InstructionStream } from '../decode/instructions.ts';
import { COSTS, costOf } from './cost-table.ts';

/**
 * Where a body is charged. A segment is a set of instructions that run together or not at all: code
 * behind a block continues the segment before it unless something inside the block leaves it. Each
 * segment is charged once, where it is entered (core spec 4.4.8 for the branches).
 */
export class ChargePlan {
  count = 0;
  /** Instruction before which a charge stands, in rising order. */
  readonly at: number[] = [];
  readonly amount: number[] = [];
  /** Whether the segment is a loop's header, where the counter is also checked. */
  readonly header: boolean[] = [];
  /** By br_if: what its taken edge gives back; see `shiftCharges`. */
  readonly refunds = new Map<number, number>();
  /** Whether the counter is checked at entry. Short bodies that call nothing do without. */
  checksEntry: boolean = true;
  /** Barriers passed before a segment begins; internal to planning. */
  readonly barriersBefore: number[] = [];
  readonly shifts: Shift[] = [];

  clear(): void {
    this.count = 0;
    for (const list of [this.at, this.amount, this.header, this.barriersBefore, this.shifts]) {
      list.length = 0;
    }
    this.refunds.clear();
    this.checksEntry = true;
  }

  add(at: number, header: boolean, barriers: number): number {
    this.at.push(at);
    this.amount.push(0);
    this.header.push(header);
    this.barriersBefore.push(barriers);
    return this.count++;
  }

  /** Moves gas into a segment. */
  charge(segment: number, gas: number): void {
    this.amount[segment] = (this.amount[segment] ?? 0) + gas;
  }
}

/**
 * Gas of a body that is entered without a check. Whatever calls it is checked in its own loops or
 * at its own entry, so this is the most that one call instruction can run unseen.
 */
const UNCHECKED_GAS_MAX = 1_000;

/** A branch behind which charges may move before it. */
type Shift =
  | { kind: 'arms'; from: number; first: number; second: number | undefined }
  | { kind: 'exit'; from: number; rest: number; branch: number };

interface Frame {
  readonly op: number;
  /** Segment that the block stands in. */
  readonly segment: number;
  readonly blockType: number;
  /** Whether the block itself stands in code that nothing reaches. */
  readonly unreachable: boolean;
  /** Index of the innermost open loop, this one included; -1 for none. */
  readonly innermostLoop: number;
  /** Index of the outermost frame that a branch inside goes to. */
  farthest: number;
  /** The shift of an `if`, once it is known that it can be done. */
  arms: Extract<Shift, { kind: 'arms' }> | undefined;
}

/** Gas of a call beside the call instruction, by function index; 0 for most. */
export type CalleeCost = (functionIndex: number) => number;

/**
 * Plans one body.
 * @param entryGas gas of entering the function
 * @param emptyResult whether the function has no results, so that leaving it carries no operands
 */
export function planCharges(
  stream: InstructionStream,
  plan: ChargePlan,
  entryGas: number,
  emptyResult: boolean,
  calleeCost: CalleeCost,
): void {
  plan.clear();
  const planner = new Planner(stream, plan, emptyResult, calleeCost);
  planner.run(entryGas);
}

class Planner {
  private readonly stream: InstructionStream;
  private readonly plan: ChargePlan;
  private readonly calleeCost: CalleeCost;
  private readonly frames: Frame[] = [];
  private current = 0;
  /** Places passed where the counter is looked at: loop headers and calls. */
  private barriers = 0;
  private calls = 0;
  private unreachable: boolean = false;

  constructor(
    stream: InstructionStream,
    plan: ChargePlan,
    emptyResult: boolean,
    calleeCost: CalleeCost,
  ) {
    this.stream = stream;
    this.plan = plan;
    this.calleeCost = calleeCost;
    this.open(0x02, emptyResult ? EMPTY_BLOCK : 0);
  }

  run(entryGas: number): void {
    const { stream, plan } = this;
    plan.add(0, false, 0);
    plan.charge(0, entryGas);
    for (let i = 0; i < stream.count; i++) {
      const op = stream.op(i);
      if (!this.unreachable) plan.charge(this.current, costOf(op));
      if (op <= 0x11) this.control(op, i);
      else if (op === 0x40 || (op >= 0x108 && op < 0x200)) this.barrier();
    }
    const whole = plan.amount.reduce((sum, gas) => sum + gas, 0);
    plan.checksEntry = this.calls > 0 || whole > UNCHECKED_GAS_MAX;
  }

  private control(op: number, i: number): void {
    const immediate = this.stream.immediate(i);
    switch (op) {
      case 0x02:
        this.open(op, immediate);
        break;
      case 0x03:
        this.loop(i, immediate);
        break;
      case 0x04:
        this.openIf(i, immediate);
        break;
      case 0x05:
        this.openElse(i);
        break;
      case 0x0b:
        this.close(i);
        break;
      case 0x0d:
        this.branchIf(i, immediate);
        break;
      case 0x0c:
        this.leave(immediate);
        this.unreachable = true;
        break;
      case 0x0e:
        this.branchTable(immediate);
        break;
      case 0x00:
      case 0x0f:
        this.leave(this.frames.length - 1);
        this.unreachable = true;
        break;
      case 0x10:
      case 0x11:
        this.call(op, immediate);
        break;
    }
  }

  private open(op: number, blockType: number): Frame {
    const index = this.frames.length;
    const opened: Frame = {
      op,
      segment: this.current,
      blockType,
      unreachable: this.unreachable,
      innermostLoop: op === 0x03 ? index : (this.frames.at(-1)?.innermostLoop ?? -1),
      farthest: index,
      arms: undefined,
    };
    this.frames.push(opened);
    return opened;
  }

  /** Notes a branch; the blocks that it leaves learn of it as they close. */
  private leave(depth: number): void {
    const top = this.frames.at(-1);
    if (top === undefined || this.unreachable) return;
    top.farthest = Math.min(top.farthest, this.frames.length - 1 - depth);
  }

  private barrier(): void {
    this.barriers++;
    this.calls++;
  }

  private call(op: number, immediate: number): void {
    const gas = op === 0x10 ? this.calleeCost(immediate) : 0;
    if (gas > 0 && !this.unreachable) this.plan.charge(this.current, gas);
    // A callee whose cost is paid here neither reads nor writes the counter.
    if (gas === 0) this.barrier();
  }

  private loop(i: number, blockType: number): void {
    this.open(0x03, blockType);
    this.barriers++;
    this.current = this.plan.add(i + 1, true, this.barriers);
    this.plan.charge(this.current, COSTS.loop);
  }

  private openIf(i: number, blockType: number): void {
    const opened = this.open(0x04, blockType);
    const movable = this.movable(opened.segment);
    this.current = this.plan.add(i + 1, false, this.barriers);
    if (movable) {
      const { segment } = opened;
      opened.arms = { kind: 'arms', from: segment, first: this.current, second: undefined };
      this.plan.shifts.push(opened.arms);
    }
  }

  private openElse(i: number): void {
    const opened = this.frames.at(-1);
    this.unreachable = opened?.unreachable ?? false;
    this.current = this.plan.add(i + 1, false, this.barriers);
    if (opened?.arms !== undefined) opened.arms.second = this.current;
  }

  private close(i: number): void {
    const closed = this.frames.pop();
    const outer = this.frames.at(-1);
    if (closed === undefined || outer === undefined) return;
    outer.farthest = Math.min(outer.farthest, closed.farthest);
    this.unreachable = closed.unreachable;
    const left = closed.farthest < this.frames.length;
    this.current = left ? this.plan.add(i + 1, false, this.barriers) : closed.segment;
  }

  private branchIf(i: number, depth: number): void {
    this.leave(depth);
    const from = this.current;
    const movable = this.movable(from) && this.leavesInnermostLoop(depth);
    this.current = this.plan.add(i + 1, false, this.barriers);
    if (movable) this.plan.shifts.push({ kind: 'exit', from, rest: this.current, branch: i });
  }

  private branchTable(list: number): void {
    const { targets } = this.stream;
    const count = targets[list] ?? 0;
    let farthest = 0;
    for (let i = 1; i <= count; i++) farthest = Math.max(farthest, targets[list + i] ?? 0);
    this.leave(farthest);
    this.unreachable = true;
  }

  /** Nothing that looks at the counter stands between the segment's charge and here. */
  private movable(segment: number): boolean {
    return !this.unreachable && this.plan.barriersBefore[segment] === this.barriers;
  }

  /** A branch without operands out of the innermost loop: taken once for many that are not. */
  private leavesInnermostLoop(depth: number): boolean {
    const target = this.frames.length - 1 - depth;
    const loop = this.frames.at(-1)?.innermostLoop ?? -1;
    return target < loop && this.frames[target]?.blockType === EMPTY_BLOCK;
  }
}

/**
 * Moves charges before branches, so that the common path pays once: what both arms of an `if` cost
 * at least, and what follows a rarely taken exit of a loop, which gives it back when it is taken.
 * Every path that ends without a trap costs the same as before, and no call, loop header or host
 * function sees the counter in between.
 */
export function shiftCharges(plan: ChargePlan): void {
  // Inner shifts were noted later: going backwards, what moves is complete.
  for (let i = plan.shifts.length - 1; i >= 0; i--) {
    const shift = plan.shifts[i];
    if (shift === undefined) continue;
    if (shift.kind === 'exit') {
      const rest = plan.amount[shift.rest] ?? 0;
      if (rest === 0) continue;
      plan.charge(shift.from, rest);
      plan.charge(shift.rest, -rest);
      plan.refunds.set(shift.branch, rest);
    } else if (shift.second !== undefined) {
      const common = Math.min(plan.amount[shift.first] ?? 0, plan.amount[shift.second] ?? 0);
      plan.charge(shift.from, common);
      plan.charge(shift.first, -common);
      plan.charge(shift.second, -common);
    }
  }
}
