import { OPERATIONS } from '../decode/operations.ts';

/**
 * What instructions cost in gas. One gas is about the time of one simple integer instruction in
 * optimised code; bench/meter.ts prints how evenly gas and time run over its workloads. The table
 * is data: its hash names the meter, so changing a number makes another meter.
 */
export const COSTS = {
  /** First and last opcode, gas. Later rows win. */
  plain: [
    [0x00, 0xff, 1],
    [0x01, 0x03, 0], // nop, block, loop: no code; a loop's header costs `loop`
    [0x05, 0x05, 0], // else
    [0x0b, 0x0b, 0], // end
    [0x0e, 0x0e, 3], // br_table: an indirect jump
    [0x10, 0x10, 4], // call
    [0x11, 0x11, 8], // call_indirect: bounds, signature, jump
    [0x1a, 0x1a, 0], // drop
    [0x25, 0x26, 4], // table.get, table.set
    [0x28, 0x3e, 2], // loads and stores
    [0x40, 0x40, 200], // memory.grow, beside `growPage`
    [0x6d, 0x70, 8], // i32 division
    [0x7f, 0x82, 12], // i64 division
    [0x91, 0x91, 6], // f32.sqrt
    [0x95, 0x95, 4], // f32.div
    [0x9b, 0x9e, 2], // f64 rounding
    [0x9f, 0x9f, 8], // f64.sqrt
    [0xa3, 0xa3, 5], // f64.div
    [0xa8, 0xb1, 3], // float to integer, with its range check
    [0xd2, 0xd2, 4], // ref.func
  ],
  /** By the number behind 0xFC. */
  bulk: [
    [0, 7, 3],
    [8, 17, 20], // beside `bytesPerGas` and `growEntry`
  ],
  /** By the number behind 0xFD. */
  vector: [
    [0, 255, 2],
    [0, 11, 3], // loads and stores
    [84, 93, 3],
    [149, 149, 2],
    [156, 159, 3],
    [213, 213, 6], // i64x2.mul is a sequence
    [227, 227, 8],
    [231, 231, 6],
    [239, 239, 10],
    [243, 243, 8],
    [248, 255, 4],
  ],
  /** Entering a function, and for each slot of its frame that is set to zero. */
  functionEntry: 2,
  localsPerGas: 4,
  /** Entering a loop's body, each time. */
  loop: 1,
  /** memory.grow, for each page asked for. */
  growPage: 1_000,
  /** memory.copy, fill, init: bytes for one gas. */
  bytesPerGas: 8,
  /** table.copy, fill, init, grow: gas for each entry. */
  tableEntry: 2,
  /** A fresh instance, its pages, data and elements, before the first instruction. */
  instance: 2_000,
  instancePage: 50,
  /** A call of a host function, and bytes read or written there for one gas. */
  hostCall: 200,
  hostBytesPerGas: 4,
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
