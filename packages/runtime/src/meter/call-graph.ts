import { decodeInstructions, EMPTY_BLOCK, type InstructionStream } from '../decode/instructions.ts';
import { popsOf, pushesOf } from '../decode/operations.ts';
import { type FunctionType, signatureOf, ValueType, valueTypeAllowed } from '../decode/profile.ts';
import { Reader, Refusal } from '../decode/reader.ts';
import { ExportKind, type ModuleShape } from '../decode/sections.ts';
import type { AdmitLimits } from '../limits.ts';
import { COSTS, costOf } from './cost-table.ts';

/** Native bytes of a frame beside its slots: return address, saved registers, instance. */
const FRAME_BYTES = 96;
const SLOT_BYTES = 8;
const VECTOR_SLOT_BYTES = 16;

/** Largest frame of a function that its callers pay for. */
const STRAIGHT_FRAME_MAX = 4096;

/** What the first pass over all bodies learns. */
export interface CallGraph {
  /**
   * Callees by node. Nodes are the defined functions, then one for each distinct signature, which
   * stands for all functions of it that a `call_indirect` can reach.
   */
  readonly edges: number[][];
  /** Estimated native bytes of a frame by defined function: an upper bound in baseline tiers. */
  readonly frameBytes: Float64Array;
  /**
   * By defined function: gas of the whole body where it is one straight line that nothing but a
   * direct call can reach, so that its callers pay for it; else -1.
   */
  readonly straightCost: Float64Array;
  /** By type: the node of its signature. */
  readonly signatureNodes: Int32Array;
  /** Functions that something else than a direct call can reach. */
  readonly escaping: ReadonlySet<number>;
}

/** A body's declared locals, and where its instructions begin. */
export interface LocalDeclarations {
  /** Value type of each parameter and local. */
  readonly types: Uint8Array;
  /** Number of declaration groups, and the range of their bytes behind that number. */
  readonly groups: number;
  readonly start: number;
  readonly end: number;
}

/** Reads the local declarations of a body (core spec 5.5.13); the reader ends behind them. */
export function readLocals(
  reader: Reader,
  type: FunctionType,
  limits: AdmitLimits,
): LocalDeclarations {
  const groups = reader.u32();
  const start = reader.at;
  const runs: [count: number, type: number][] = [];
  let total = type.params.length;
  for (let group = 0; group < groups; group++) {
    const at = reader.at;
    const count = reader.u32();
    const valueType = reader.byte();
    if (!valueTypeAllowed(valueType)) throw new Refusal('feature', 'value type', at);
    total += count;
    if (total > limits.localsMax) throw new Refusal('limit', 'locals', at);
    runs.push([count, valueType]);
  }
  const types = new Uint8Array(total);
  types.set(type.params);
  let at = type.params.length;
  for (const [count, valueType] of runs) {
    types.fill(valueType, at, at + count);
    at += count;
  }
  return { types, groups, start, end: reader.at };
}

/** The type of a defined or imported function. */
export function typeOfFunction(shape: ModuleShape, index: number): FunctionType {
  return typeAt(shape, shape.functionTypes[index] ?? -1);
}

export function typeAt(shape: ModuleShape, index: number): FunctionType {
  const type = shape.types[index];
  if (type === undefined) throw new Refusal('invalid', 'type index');
  return type;
}

export function readCallGraph(
  shape: ModuleShape,
  stream: InstructionStream,
  limits: AdmitLimits,
): CallGraph {
  const defined = shape.bodies.length;
  const [signatureNodes, nodes] = numberSignatures(shape, defined);
  const escaping = new Set(shape.escaping);
  const graph: CallGraph = {
    edges: Array.from({ length: nodes }, () => []),
    frameBytes: new Float64Array(nodes),
    straightCost: new Float64Array(defined).fill(-1),
    signatureNodes,
    escaping,
  };
  for (let body = 0; body < defined; body++) readBody(shape, body, stream, limits, graph, escaping);
  linkEscaping(shape, graph, escaping);
  return graph;
}

function numberSignatures(shape: ModuleShape, first: number): [Int32Array, number] {
  const numbers = new Map<string, number>();
  const nodes = new Int32Array(shape.types.length);
  shape.types.forEach((type, index) => {
    const signature = signatureOf(type);
    const number = numbers.get(signature) ?? first + numbers.size;
    numbers.set(signature, number);
    nodes[index] = number;
  });
  return [nodes, first + numbers.size];
}

function readBody(
  shape: ModuleShape,
  body: number,
  stream: InstructionStream,
  limits: AdmitLimits,
  graph: CallGraph,
  escaping: Set<number>,
): void {
  const range = shape.bodies[body];
  if (range === undefined) return;
  const imported = shape.imports.length;
  const reader = new Reader(shape.bytes, range.start, range.end);
  const locals = readLocals(reader, typeOfFunction(shape, imported + body), limits);
  decodeInstructions(reader, stream, limits);
  const survey = surveyBody(shape, stream, graph, escaping);
  graph.edges[body] = [...survey.callees];
  const slots = locals.types.length + survey.height;
  const vectors = survey.vectors || locals.types.includes(ValueType.v128);
  graph.frameBytes[body] = FRAME_BYTES + slots * (vectors ? VECTOR_SLOT_BYTES : SLOT_BYTES);
  if (survey.height > limits.operandsMax) throw new Refusal('limit', 'operands', range.start);
  if (slots * survey.merges > limits.mergesMax) {
    throw new Refusal('limit', 'frame slots times branch targets', range.start);
  }
  // A large frame is left to the stack's accounting, which looks at metered functions.
  const small = (graph.frameBytes[body] ?? 0) <= STRAIGHT_FRAME_MAX;
  if (survey.straight && small)
    graph.straightCost[body] = entryCost(locals.types.length) + survey.cost;
}

/** Gas of entering a function. */
export function entryCost(locals: number): number {
  return COSTS.functionEntry + Math.floor(locals / COSTS.localsPerGas);
}

interface BodySurvey {
  readonly callees: Set<number>;
  /** Greatest height of the operand stack. */
  readonly height: number;
  readonly vectors: boolean;
  /** Places where control flow joins. */
  readonly merges: number;
  /** No branch, call or operation whose cost depends on a size. */
  readonly straight: boolean;
  readonly cost: number;
}

function surveyBody(
  shape: ModuleShape,
  stream: InstructionStream,
  graph: CallGraph,
  escaping: Set<number>,
): BodySurvey {
  const callees = new Set<number>();
  const imported = shape.imports.length;
  const heights = new OperandHeights(shape);
  let [vectors, straight, merges, cost] = [false, true, 0, 0];
  for (let i = 0; i < stream.count; i++) {
    const op = stream.op(i);
    const immediate = stream.immediate(i);
    cost += costOf(op);
    if (op >= 0x200) vectors = true;
    else if (op === 0x10) {
      straight = false;
      if (immediate >= imported) callees.add(immediate - imported);
    } else if (op === 0x11) {
      straight = false;
      callees.add(graph.signatureNodes[immediate] ?? 0);
    } else if (op === 0xd2) escaping.add(immediate);
    else if (op >= 0x02 && op <= 0x0f && op !== 0x0b) {
      straight = false;
      merges += op === 0x0e ? (stream.targets[immediate] ?? 0) : 1;
    } else if (op === 0x00 || op === 0x40 || (op >= 0x108 && op < 0x200)) straight = false;
    heights.step(op, immediate);
  }
  return { callees, height: heights.max, vectors, merges, straight, cost };
}

/** A `call_indirect` reaches every function of its signature that has been referenced. */
function linkEscaping(shape: ModuleShape, graph: CallGraph, escaping: Set<number>): void {
  const imported = shape.imports.length;
  for (const index of escaping) {
    if (index < imported) continue;
    const node = graph.signatureNodes[shape.functionTypes[index] ?? 0] ?? 0;
    graph.edges[node]?.push(index - imported);
    graph.straightCost[index - imported] = -1;
  }
  const called = shape.exports.filter((entry) => entry.kind === ExportKind.function);
  for (const index of [...called.map((entry) => entry.index), shape.start ?? -1]) {
    if (index >= imported) graph.straightCost[index - imported] = -1;
  }
}

/** Follows the height of the operand stack through validated code (core spec 3.3, appendix 7.3). */
class OperandHeights {
  max = 0;
  private height = 0;
  private readonly bases: number[] = [0];
  private readonly results: number[] = [0];
  private readonly params: number[] = [0];
  private readonly shape: ModuleShape;

  constructor(shape: ModuleShape) {
    this.shape = shape;
  }

  step(op: number, immediate: number): void {
    if (op <= 0x11) this.control(op, immediate);
    else this.move(popsOf(op), pushesOf(op));
  }

  private move(pops: number, pushes: number): void {
    const base = this.bases.at(-1) ?? 0;
    // Behind an unconditional branch operands can be taken that are not there.
    this.height = Math.max(this.height - pops, base) + pushes;
    if (this.height > this.max) this.max = this.height;
  }

  private control(op: number, immediate: number): void {
    this.move(popsOf(op), 0);
    if (op >= 0x02 && op <= 0x04) this.open(immediate);
    else if (op === 0x05) this.height = (this.bases.at(-1) ?? 0) + (this.params.at(-1) ?? 0);
    else if (op === 0x0b) this.close();
    else if (op === 0x00 || op === 0x0c || op === 0x0e || op === 0x0f) {
      this.height = this.bases.at(-1) ?? 0;
    } else if (op === 0x10) this.call(typeOfFunction(this.shape, immediate));
    else if (op === 0x11) this.call(typeAt(this.shape, immediate));
  }

  private call(type: FunctionType): void {
    this.move(type.params.length, type.results.length);
  }

  private open(blockType: number): void {
    const type = blockType >= 0 ? typeAt(this.shape, blockType) : undefined;
    const params = type?.params.length ?? 0;
    this.move(params, 0);
    this.bases.push(this.height);
    this.params.push(params);
    this.results.push(type?.results.length ?? (blockType === EMPTY_BLOCK ? 0 : 1));
    this.move(0, params);
  }

  private close(): void {
    this.height = this.bases.pop() ?? 0;
    this.params.pop();
    this.move(0, this.results.pop() ?? 0);
  }
}
