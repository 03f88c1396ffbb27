import type { ModuleShape } from '../decode/sections.ts';
import type { MeterIndices } from './body-plan.ts';
import { typeOfFunction } from './call-graph.ts';
import { Passed } from './passing.ts';
import { Writer } from './writer.ts';

/**
 * What the host calls in the place of an exported function that is handed its counters: it takes
 * them from their globals, and puts the gas that is left back.
 */
export function emitEntry(
  code: Writer,
  shape: ModuleShape,
  indices: MeterIndices,
  index: number,
  passed: Passed,
): void {
  const body = new Writer(64);
  const { params } = typeOfFunction(shape, index);
  const op = (opcode: number, immediate: number): void => {
    body.byte(opcode);
    body.u32(immediate);
  };
  body.byte(0);
  for (let local = 0; local < params.length; local++) op(0x20, local);
  op(0x23, indices.gas);
  if (passed === Passed.gasAndDepth) op(0x23, indices.depth);
  op(0x10, index);
  op(0x24, indices.gas);
  body.byte(0x0b);
  code.u32(body.length);
  code.append(body);
}
