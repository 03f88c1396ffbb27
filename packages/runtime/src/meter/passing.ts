import { ValueType } from '../decode/profile.ts';
import { ExportKind, type ModuleShape } from '../decode/sections.ts';
import type { AddedTypes } from './added-types.ts';
import type { CallGraph } from './call-graph.ts';
import type { StackPlan } from './recursion.ts';

/**
 * What a call hands over beside its operands; the number is that of the parameters behind the
 * author's own. Gas comes back as one more result. Depth needs no way back: a function that is done
 * has left its caller's where it was.
 */
export const Passed = { nothing: 0, gas: 1, gasAndDepth: 2 } as const;
export type Passed = (typeof Passed)[keyof typeof Passed];

/**
 * Which functions take and give the counters in registers. All functions that a `call_indirect` can
 * confuse must agree, so those of one signature pass the same; imported functions keep to globals,
 * and so does a signature of which one has been referenced.
 *
 * No two signatures become one: what passes gas ends its results with an i64, which no admitted
 * import does, and what passes depth ends its parameters with an i32, which others do not.
 */
export class Passing {
  private readonly byNode: Uint8Array;
  private readonly byFunction: Uint8Array;
  private readonly typeIndices = new Map<string, number>();
  private readonly shape: ModuleShape;
  private readonly graph: CallGraph;
  private readonly types: AddedTypes;

  constructor(shape: ModuleShape, graph: CallGraph, stack: StackPlan, types: AddedTypes) {
    this.shape = shape;
    this.graph = graph;
    this.types = types;
    this.byNode = Uint8Array.from(stack.reaches, passedBy);
    for (const index of graph.escaping) {
      if (index < shape.imports.length) this.byNode[this.nodeOf(index)] = Passed.nothing;
    }
    this.byFunction = Uint8Array.from(shape.functionTypes, (_, index) => {
      const defined = index - shape.imports.length;
      if (defined < 0 || (graph.straightCost[defined] ?? -1) >= 0) return Passed.nothing;
      if (graph.escaping.has(index)) return this.byNode[this.nodeOf(index)] ?? Passed.nothing;
      return passedBy(stack.reaches[defined] ?? 0);
    });
  }

  private nodeOf(index: number): number {
    return this.graph.signatureNodes[this.shape.functionTypes[index] ?? 0] ?? 0;
  }

  /** What a function is handed. */
  of(index: number): Passed {
    return passed(this.byFunction[index]);
  }

  /** What a `call_indirect` of this type hands over. */
  ofType(type: number): Passed {
    return passed(this.byNode[this.graph.signatureNodes[type] ?? -1]);
  }

  /** The type of a function as it is emitted. */
  functionType(index: number): number {
    return this.extended(this.shape.functionTypes[index] ?? 0, this.of(index));
  }

  /** The type that a `call_indirect` names as it is emitted. */
  calledType(type: number): number {
    return this.extended(type, this.ofType(type));
  }

  /** Exported functions, and the start function, that the host cannot call as they are. */
  entered(): number[] {
    const { exports, start } = this.shape;
    const called = exports.filter(({ kind }) => kind === ExportKind.function);
    const indices = new Set(called.map(({ index }) => index));
    if (start !== undefined) indices.add(start);
    return [...indices].filter((index) => this.of(index) !== Passed.nothing);
  }

  private extended(type: number, kind: Passed): number {
    if (kind === Passed.nothing) return type;
    const key = `${type} ${kind}`;
    const known = this.typeIndices.get(key);
    if (known !== undefined) return known;
    const { params, results } = this.shape.types[type] ?? NO_TYPE;
    const depth = kind === Passed.gasAndDepth ? [ValueType.i32] : [];
    const index = this.types.add([...params, ValueType.i64, ...depth], [...results, ValueType.i64]);
    this.typeIndices.set(key, index);
    return index;
  }
}

const NO_TYPE = { params: new Uint8Array(0), results: new Uint8Array(0) };

function passedBy(reachesCounted: number): Passed {
  return reachesCounted === 1 ? Passed.gasAndDepth : Passed.gas;
}

function passed(value: number | undefined): Passed {
  return value === Passed.gas || value === Passed.gasAndDepth ? value : Passed.nothing;
}
