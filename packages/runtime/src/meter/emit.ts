import { InstructionStream } from '../decode/instructions.ts';
import { ValueType } from '../decode/profile.ts';
import { Reader } from '../decode/reader.ts';
import type { ModuleShape } from '../decode/sections.ts';
import type { AdmitLimits } from '../limits.ts';
import { AddedTypes } from './added-types.ts';
import { assembleModule } from './assemble.ts';
import type { MeterIndices } from './body-plan.ts';
import { entryCost, readCallGraph, readLocals, typeOfFunction } from './call-graph.ts';
import { emitBody } from './emit-body.ts';
import { emitEntry } from './entries.ts';
import { emitChargeBytes, emitChargeEntries, emitGrow } from './helpers.ts';
import { CanonicalPlan } from './nan.ts';
import { Passed, Passing } from './passing.ts';
import { planStack } from './recursion.ts';
import { ChargePlan, planCharges, shiftCharges } from './segments.ts';
import { Writer } from './writer.ts';

/**
 * - `fast`: charges moved off hot paths, the counters handed from function to function in locals.
 *   Right whenever a run ends without a trap.
 * - `exact`: every segment charged where it is entered, the counter always in its global. Right at
 *   traps too; a run that traps is repeated with it (docs/adr/0010).
 */
export type MeterMode = 'fast' | 'exact';

/** Rewrites a module that passed `readSections` so that its runs are metered. */
export function meterModule(
  shape: ModuleShape,
  limits: AdmitLimits,
  mode: MeterMode,
): Uint8Array<ArrayBuffer> {
  const types = new AddedTypes(shape.types.length);
  const helperType = types.add([ValueType.i32], [ValueType.i32]);
  const indices = placeIndices(shape);
  const code = new Writer(shape.bytes.length * 2);
  const passing = meterBodies(shape, limits, mode, types, indices, code);
  emitChargeBytes(code, indices);
  emitChargeEntries(code, indices);
  if (shape.memory !== undefined) emitGrow(code, indices, shape.memory.max);
  for (const index of passing?.entered() ?? []) {
    emitEntry(code, shape, indices, index, passing?.of(index) ?? Passed.nothing);
  }
  return assembleModule(shape, types, helperType, indices, code, passing);
}

/** Looks for instructions outside of the profile or its limits; throws a Refusal at the first. */
export function checkInstructions(shape: ModuleShape, limits: AdmitLimits): void {
  readCallGraph(shape, new InstructionStream(), limits);
}

/** About what compilers emit; fewer make the stream grow. */
const BYTES_PER_INSTRUCTION = 2;

function placeIndices(shape: ModuleShape): MeterIndices {
  const globals = shape.sections.get(6)?.count ?? 0;
  const functions = shape.functionTypes.length;
  return {
    gas: globals,
    depth: globals + 1,
    stop: globals + 2,
    pages: globals + 3,
    chargeBytes: functions,
    chargeEntries: functions + 1,
    grow: functions + 2,
  };
}

function meterBodies(
  shape: ModuleShape,
  limits: AdmitLimits,
  mode: MeterMode,
  types: AddedTypes,
  indices: MeterIndices,
  code: Writer,
): Passing | undefined {
  const imported = shape.imports.length;
  const stream = new InstructionStream(Math.ceil(shape.bytes.length / BYTES_PER_INSTRUCTION));
  const graph = readCallGraph(shape, stream, limits);
  const stack = planStack(shape, graph);
  const passing = mode === 'fast' ? new Passing(shape, graph, stack, types) : undefined;
  const passedTo = (op: number, callee: number): Passed =>
    (op === 0x11 ? passing?.ofType(callee) : passing?.of(callee)) ?? Passed.nothing;
  const charges = new ChargePlan();
  const canonical = new CanonicalPlan(stream);
  const head = new Writer(256);
  const body = new Writer();
  const straight = (index: number) => graph.straightCost[index - imported] ?? -1;
  const calleeCost = (index: number) => Math.max(0, straight(index));
  shape.bodies.forEach((range, defined) => {
    const index = imported + defined;
    const typeIndex = shape.functionTypes[index] ?? -1;
    const type = typeOfFunction(shape, index);
    const reader = new Reader(shape.bytes, range.start, range.end);
    const locals = readLocals(reader, type, limits);
    stream.select(defined);
    const free = straight(index) >= 0;
    if (free) charges.clear();
    else {
      const entry = entryCost(locals.types.length);
      planCharges(stream, charges, entry, type.results.length === 0, calleeCost);
    }
    if (mode === 'fast') shiftCharges(charges);
    const toCanonicalise = canonical.run(shape, typeIndex, locals.types);
    if (free && !toCanonicalise) {
      code.u32(range.end - range.start);
      code.copy(shape.bytes, range.start, range.end);
      return;
    }
    emitBody(code, head, body, {
      bytes: shape.bytes,
      stream,
      locals,
      charges,
      canonical: toCanonicalise ? canonical.lanesAt : undefined,
      resultBlock: types.blockOf(type.results),
      indices,
      metered: !free,
      params: type.params.length,
      passed: passing?.of(index) ?? Passed.nothing,
      localCounter: mode === 'fast' && !free,
      callPasses: passedTo,
      calledType: (called) => passing?.calledType(called) ?? called,
      frameBytes: stack.counted[defined] ?? 0,
      tracksDepth: !free && stack.reaches[defined] === 1,
      callPublishesGas: (op, callee) => op === 0x11 || straight(callee) < 0,
      callPublishesDepth: (op, callee) => {
        const node = op === 0x11 ? graph.signatureNodes[callee] : callee - imported;
        return node !== undefined && node >= 0 && stack.reaches[node] === 1;
      },
    });
  });
  return passing;
}
