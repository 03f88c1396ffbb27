import { OPERATIONS } from '../decode/operations.ts';

/**
 * What instructions cost in gas. Twenty gas are about a nanosecond of optimised code on a machine
 * of 2025; `npm run bench -- meter` prints how evenly gas and time run over its workloads. Locals
 * and constants are nearly free in optimised code and still cost, because baseline tiers execute
 * them.
 * The table is data: its hash names the meter, so changing a number makes another meter.
 */
export const COSTS = {
  /** First and last opcode, gas. Later rows win. */
  plain: [
    [0x00, 0xff, 2],
    [0x01, 0x03, 0], // nop, block, loop: no code; a loop's header costs `loop`
    [0x05, 0x05, 0], // else
    [0x0b, 0x0b, 0], // end
    [0x0c, 0x0d, 3], // br, br_if
    [0x0e, 0x0e, 12], // br_table: an indirect jump
    [0x10, 0x10, 20], // call
    [0x11, 0x11, 32], // call_indirect: bounds, signature, jump
    [0x1a, 0x1a, 0], // drop
    [0x20, 0x22, 1], // locals
    [0x25, 0x26, 12], // table.get, table.set
    [0x28, 0x3e, 4], // loads and stores
    [0x40, 0x40, 2_000], // memory.grow, beside `growPage`
    [0x41, 0x44, 1], // constants
    [0x6d, 0x70, 30], // i32 division
    [0x7f, 0x82, 40], // i64 division
    [0x8d, 0x90, 4], // f32 rounding
    [0x91, 0x91, 30], // f32.sqrt
    [0x92, 0x94, 6], // f32 add, sub, mul
    [0x95, 0x95, 24], // f32.div
    [0x96, 0x97, 12], // f32 min, max
    [0x9b, 0x9e, 4], // f64 rounding
    [0x9f, 0x9f, 40], // f64.sqrt
    [0xa0, 0xa2, 6], // f64 add, sub, mul
    [0xa3, 0xa3, 30], // f64.div
    [0xa4, 0xa5, 12], // f64 min, max
    [0xa8, 0xb1, 8], // float to integer, with its range check
    [0xb2, 0xbb, 6], // integer to float, float to float
    [0xd2, 0xd2, 20], // ref.func
  ],
  /** By the number behind 0xFC. */
  bulk: [
    [0, 7, 8],
    [8, 17, 100], // beside `bytesPerGas` and `tableEntry`
  ],
  /** By the number behind 0xFD. */
  vector: [
    [0, 255, 4],
    [0, 11, 6], // loads and stores
    [84, 93, 6],
    [156, 159, 6],
    [213, 213, 12], // i64x2.mul is a sequence
    [224, 247, 8],
    [227, 227, 40], // f32x4.sqrt
    [231, 231, 40], // f32x4.div
    [239, 239, 60], // f64x2.sqrt
    [243, 243, 60], // f64x2.div
    [248, 255, 12],
  ],
  /** Entering a function, and slots of its frame for one gas. */
  functionEntry: 10,
  localsPerGas: 2,
  /** Entering a loop's body, each time. */
  loop: 2,
  /** memory.grow, for each page asked for: the system clears it when it is first touched. */
  growPage: 20_000,
  /** memory.copy, fill, init: bytes for one gas. */
  bytesPerGas: 2,
  /** table.copy, fill, init, grow: gas for each entry. */
  tableEntry: 40,
  /** A fresh instance, its pages, data and elements, before the first instruction. */
  instance: 200_000,
  instancePage: 2_000,
  /** A call of a host function, and gas for each byte read or written there. */
  hostCall: 5_000,
  hostByte: 4,
  /** Gas for each random byte. */
  randomByte: 40,
} as const;

const costs = layCosts();

/** Gas of one instruction, without what depends on sizes. */
export function costOf(op: number): number {
  return costs[op] ?? 0;
}

function layCosts(): Uint16Array {
  const table = new Uint16Array(OPERATIONS);
  const pages = [
    [0x000, COSTS.plain],
    [0x100, COSTS.bulk],
    [0x200, COSTS.vector],
  ] as const;
  for (const [base, rows] of pages) {
    for (const [first, last, cost] of rows) table.fill(cost, base + first, base + last + 1);
  }
  return table;
}

/** Gas of making an instance; charged before its start function runs. */
export function instanceCost(pages: number, dataBytes: number, elements: number): bigint {
  const gas =
    COSTS.instance +
    COSTS.instancePage * pages +
    Math.ceil(dataBytes / COSTS.bytesPerGas) +
    COSTS.tableEntry * elements;
  return BigInt(gas);
}
