import { EMPTY_BLOCK, type InstructionStream } from '../decode/instructions.ts';
import { popsOf, pushesOf } from '../decode/operations.ts';
import type { ModuleShape } from '../decode/sections.ts';
import { typeAt, typeOfFunction } from './call-graph.ts';
import { arithmeticLanes, Lanes, neverNan, numericLanes } from './nan-operations.ts';

/** An operand with exact bits; other operands are the instruction that they come from. */
export const EXACT = -1;
/** An operand that is no NaN. */
export const NUMBER = -2;

/** What the walk tells. A source is an arithmetic instruction, or a read of a float local. */
export interface OperandUses {
  isFloat(local: number): boolean;
  /** Something can tell the bits of this operand. */
  observe(source: number): void;
  /** The operand is looked at as numbers of this shape. */
  numeric(source: number, lanes: number): void;
  assign(local: number, source: number): void;
}

/** Follows the operands of validated code (core spec appendix 7.3) from where they are made. */
export function walkOperands(
  shape: ModuleShape,
  type: number,
  stream: InstructionStream,
  uses: OperandUses,
): void {
  const walk = new OperandWalk(shape, stream, uses, typeAt(shape, type).results.length);
  for (let i = 0; i < stream.count; i++) walk.step(i);
}

interface Label {
  readonly base: number;
  readonly params: number;
  readonly results: number;
  /** Operands that a branch here carries. */
  readonly arity: number;
}

class OperandWalk {
  private readonly shape: ModuleShape;
  private readonly stream: InstructionStream;
  private readonly uses: OperandUses;
  private readonly stack: number[] = [];
  private readonly labels: Label[] = [];

  constructor(shape: ModuleShape, stream: InstructionStream, uses: OperandUses, results: number) {
    this.shape = shape;
    this.stream = stream;
    this.uses = uses;
    this.labels.push({ base: 0, params: 0, results, arity: results });
  }

  step(i: number): void {
    const op = this.stream.op(i);
    if (op <= 0x11) this.control(op, this.stream.immediate(i));
    else if (op >= 0x20 && op <= 0x22) this.local(op, i);
    else if (op === 0x1a) this.pop();
    else if (op === 0x43 || op === 0x44 || op === 0x20c) this.stack.push(this.constant(op, i));
    else this.compute(op, i);
  }

  private pop(): number {
    const base = this.labels.at(-1)?.base ?? 0;
    return this.stack.length > base ? (this.stack.pop() ?? EXACT) : EXACT;
  }

  private compute(op: number, i: number): void {
    const lanes = numericLanes(op);
    for (let operand = popsOf(op); operand > 0; operand--) {
      if (lanes === Lanes.none) this.uses.observe(this.pop());
      else this.uses.numeric(this.pop(), lanes);
    }
    if (pushesOf(op) === 0) return;
    if (arithmeticLanes(op) !== Lanes.none) this.stack.push(i);
    else this.stack.push(neverNan(op) ? NUMBER : EXACT);
  }

  private local(op: number, i: number): void {
    const local = this.stream.immediate(i);
    const float = this.uses.isFloat(local);
    if (op === 0x20) {
      this.stack.push(float ? i : EXACT);
      return;
    }
    const source = this.pop();
    if (float) this.uses.assign(local, source);
    if (op === 0x22) this.stack.push(source);
  }

  private constant(op: number, i: number): number {
    const { bytes } = this.shape;
    const end = this.stream.start(i + 1);
    if (op === 0x20c) {
      return bytes.subarray(end - 16, end).every((byte) => byte === 0) ? NUMBER : EXACT;
    }
    const width = op === 0x43 ? 4 : 8;
    const view = new DataView(bytes.buffer, bytes.byteOffset + end - width, width);
    const value = op === 0x43 ? view.getFloat32(0, true) : view.getFloat64(0, true);
    return Number.isNaN(value) ? EXACT : NUMBER;
  }

  private control(op: number, immediate: number): void {
    if (op === 0x04 || op === 0x0d || op === 0x0e || op === 0x11) this.pop();
    if (op >= 0x02 && op <= 0x04) this.open(op, immediate);
    else if (op === 0x05) this.openElse();
    else if (op === 0x0b) this.close();
    else if (op === 0x0d) this.observeTop(this.arity(immediate));
    else if (op === 0x10) this.call(typeOfFunction(this.shape, immediate));
    else if (op === 0x11) this.call(typeAt(this.shape, immediate));
    else if (op !== 0x01) this.leave(op, immediate);
  }

  private call(type: { params: Uint8Array; results: Uint8Array }): void {
    for (let i = type.params.length; i > 0; i--) this.uses.observe(this.pop());
    this.pushExact(type.results.length);
  }

  private pushExact(count: number): void {
    for (let i = count; i > 0; i--) this.stack.push(EXACT);
  }

  private observeTop(count: number): void {
    const base = this.labels.at(-1)?.base ?? 0;
    const first = Math.max(base, this.stack.length - count);
    for (let at = first; at < this.stack.length; at++) this.uses.observe(this.stack[at] ?? EXACT);
  }

  private arity(depth: number): number {
    return this.labels[this.labels.length - 1 - depth]?.arity ?? 0;
  }

  private open(op: number, blockType: number): void {
    const type = blockType >= 0 ? typeAt(this.shape, blockType) : undefined;
    const params = type?.params.length ?? 0;
    const results = type?.results.length ?? (blockType === EMPTY_BLOCK ? 0 : 1);
    for (let i = params; i > 0; i--) this.uses.observe(this.pop());
    const arity = op === 0x03 ? params : results;
    this.labels.push({ base: this.stack.length, params, results, arity });
    this.pushExact(params);
  }

  private openElse(): void {
    const label = this.labels.at(-1);
    if (label === undefined) return;
    this.observeTop(label.results);
    this.stack.length = label.base;
    this.pushExact(label.params);
  }

  private close(): void {
    const label = this.labels.at(-1);
    if (label === undefined) return;
    this.observeTop(label.results);
    this.labels.pop();
    this.stack.length = label.base;
    this.pushExact(label.results);
  }

  /** unreachable, br, br_table, return: what follows is not reached. */
  private leave(op: number, immediate: number): void {
    if (op === 0x0c) this.observeTop(this.arity(immediate));
    else if (op === 0x0e) {
      const count = this.stream.targets[immediate] ?? 0;
      this.observeTop(this.arity(this.stream.targets[immediate + count] ?? 0));
    } else if (op === 0x0f) this.observeTop(this.labels[0]?.results ?? 0);
    this.stack.length = this.labels.at(-1)?.base ?? 0;
  }
}
