import type { ModuleShape } from '../decode/sections.ts';
import { PROFILE } from '../limits.ts';
import type { MeterIndices } from './body-plan.ts';
import { COSTS } from './cost-table.ts';
import { Writer } from './writer.ts';

/** What a helper leaves in the stop global before it traps. */
export const StopCode = { none: 0, memoryLimit: 1, hostMemory: 2 } as const;

/** Number of functions that are appended; a module without a memory has nothing to grow. */
export function helperCount(shape: ModuleShape): number {
  return shape.memory === undefined ? 2 : 3;
}

/** Instructions `global.get gas; x; i64.sub; global.set gas`, then a trap when none is left. */
function chargeBy(out: Writer, gas: number, amount: () => void): void {
  out.byte(0x23);
  out.u32(gas);
  amount();
  out.put(0x7d, 0x24);
  out.u32(gas);
  out.byte(0x23);
  out.u32(gas);
  out.put(0x42, 0, 0x53, 0x04, 0x40, 0x00, 0x0b);
}

function wrap(code: Writer, write: (body: Writer) => void): void {
  const body = new Writer(256);
  write(body);
  code.u32(body.length);
  code.append(body);
}

/** `(param i32 length) (result i32 length)`: charges a range of bytes in memory. */
export function emitChargeBytes(code: Writer, indices: MeterIndices): void {
  emitChargeRange(code, indices, COSTS.bytesPerGas, I64_DIV_U);
}

/** `(param i32 length) (result i32 length)`: charges a range of table entries. */
export function emitChargeEntries(code: Writer, indices: MeterIndices): void {
  emitChargeRange(code, indices, COSTS.tableEntry, I64_MUL);
}

const I64_MUL = 0x7e;
const I64_DIV_U = 0x80;

function emitChargeRange(code: Writer, indices: MeterIndices, rate: number, op: number): void {
  wrap(code, (body) => {
    body.byte(0);
    chargeBy(body, indices.gas, () => {
      body.put(0x20, 0, 0xad, 0x42);
      body.integer(rate);
      body.byte(op);
    });
    body.put(0x20, 0, 0x0b);
  });
}

/**
 * `(param i32 pages) (result i32)`: memory.grow (core spec 4.4.7) that is charged by size and whose
 * failure is never the host's. Over the module's own maximum it gives -1, as the author may expect;
 * over the task's pages the run ends with `memory-limit`; where the engine cannot give what is
 * allowed, the run ends as a fault of the host.
 */
export function emitGrow(
  code: Writer,
  indices: MeterIndices,
  declaredMax: number | undefined,
): void {
  const max = declaredMax ?? PROFILE.memoryPagesMax;
  wrap(code, (body) => {
    // local 1 (i64): the size that is asked for
    body.put(1, 1, 0x7e);
    body.put(0x3f, 0, 0xad, 0x20, 0, 0xad, 0x7c, 0x22, 1);
    // over the module's maximum: -1, without a charge for pages
    body.byte(0x42);
    body.integer(Math.min(max, PROFILE.memoryPagesMax));
    body.put(0x55, 0x04, 0x40, 0x41, 0x7f, 0x0f, 0x0b);
    chargeBy(body, indices.gas, () => {
      body.put(0x20, 0, 0xad, 0x42);
      body.integer(COSTS.growPage);
      body.byte(0x7e);
    });
    body.put(0x20, 1, 0x23);
    body.u32(indices.pages);
    body.put(0xad, 0x55, 0x04, 0x40);
    stopWith(body, indices, StopCode.memoryLimit);
    body.byte(0x0b);
    body.put(0x20, 0, 0x40, 0, 0x22, 0, 0x41, 0x7f, 0x46, 0x04, 0x40);
    stopWith(body, indices, StopCode.hostMemory);
    body.byte(0x0b);
    body.put(0x20, 0, 0x0b);
  });
}

function stopWith(body: Writer, indices: MeterIndices, code: number): void {
  body.put(0x41, code, 0x24);
  body.u32(indices.stop);
  body.byte(0x00);
}
