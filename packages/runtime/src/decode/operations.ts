/**
 * The instructions of the profile: WebAssembly 2.0 (core spec 5.4) and nothing newer. For each, how
 * its immediates are coded and how many operands it takes and gives.
 */

export const PREFIX_FC = 0xfc;
export const PREFIX_FD = 0xfd;
/** Plain instructions, then those behind 0xFC, then those behind 0xFD. */
export const OPERATIONS = 0x300;

/** How the immediates of an instruction are coded. */
export const Immediate = {
  refused: 0,
  none: 1,
  index: 2,
  twoIndices: 3,
  integer: 4,
  block: 5,
  f32: 6,
  f64: 7,
  v128: 8,
  memory: 9,
  memoryAndLane: 10,
  lane: 11,
  memoryIndex: 12,
  types: 13,
  heapType: 14,
  branchTable: 15,
} as const;

const immediates = new Uint8Array(OPERATIONS);
const pops = new Uint8Array(OPERATIONS);
const pushes = new Uint8Array(OPERATIONS);

export function immediateOf(op: number): number {
  return immediates[op] ?? Immediate.refused;
}

/** Operands taken; 0 for those that depend on a type (calls, blocks, branches). */
export function popsOf(op: number): number {
  return pops[op] ?? 0;
}

/** Results given; 0 for those that depend on a type. */
export function pushesOf(op: number): number {
  return pushes[op] ?? 0;
}

type Row = readonly [first: number, last: number, immediate: number, pops: number, pushes: number];

const { none, index, twoIndices, integer, block, memory, memoryAndLane, lane, memoryIndex } =
  Immediate;

/** Core spec 5.4.1 to 5.4.6. Calls, blocks and branches have their operands from their types. */
const PLAIN: readonly Row[] = [
  [0x00, 0x01, none, 0, 0], // unreachable, nop
  [0x02, 0x03, block, 0, 0],
  [0x04, 0x04, block, 1, 0], // if
  [0x05, 0x05, none, 0, 0],
  [0x0b, 0x0b, none, 0, 0],
  [0x0c, 0x0c, index, 0, 0],
  [0x0d, 0x0d, index, 1, 0], // br_if
  [0x0e, 0x0e, Immediate.branchTable, 1, 0],
  [0x0f, 0x0f, none, 0, 0],
  [0x10, 0x10, index, 0, 0],
  [0x11, 0x11, twoIndices, 1, 0], // call_indirect
  [0x1a, 0x1a, none, 1, 0],
  [0x1b, 0x1b, none, 3, 1],
  [0x1c, 0x1c, Immediate.types, 3, 1],
  [0x20, 0x20, index, 0, 1],
  [0x21, 0x21, index, 1, 0],
  [0x22, 0x22, index, 1, 1],
  [0x23, 0x23, index, 0, 1],
  [0x24, 0x24, index, 1, 0],
  [0x25, 0x25, index, 1, 1],
  [0x26, 0x26, index, 2, 0],
  [0x28, 0x35, memory, 1, 1], // loads
  [0x36, 0x3e, memory, 2, 0], // stores
  [0x3f, 0x3f, memoryIndex, 0, 1],
  [0x40, 0x40, memoryIndex, 1, 1],
  [0x41, 0x42, integer, 0, 1],
  [0x43, 0x43, Immediate.f32, 0, 1],
  [0x44, 0x44, Immediate.f64, 0, 1],
  [0x45, 0x45, none, 1, 1],
  [0x46, 0x4f, none, 2, 1],
  [0x50, 0x50, none, 1, 1],
  [0x51, 0x66, none, 2, 1],
  [0x67, 0x69, none, 1, 1],
  [0x6a, 0x78, none, 2, 1],
  [0x79, 0x7b, none, 1, 1],
  [0x7c, 0x8a, none, 2, 1],
  [0x8b, 0x91, none, 1, 1],
  [0x92, 0x98, none, 2, 1],
  [0x99, 0x9f, none, 1, 1],
  [0xa0, 0xa6, none, 2, 1],
  [0xa7, 0xc4, none, 1, 1],
  [0xd0, 0xd0, Immediate.heapType, 0, 1],
  [0xd1, 0xd1, none, 1, 1],
  [0xd2, 0xd2, index, 0, 1],
];

/** Saturating truncation, bulk memory and tables (5.4.4 to 5.4.6), by the number behind 0xFC. */
const BULK: readonly Row[] = [
  [0, 7, none, 1, 1],
  [8, 8, twoIndices, 3, 0], // memory.init
  [9, 9, index, 0, 0],
  [10, 10, twoIndices, 3, 0], // memory.copy
  [11, 11, memoryIndex, 3, 0], // memory.fill
  [12, 12, twoIndices, 3, 0], // table.init
  [13, 13, index, 0, 0],
  [14, 14, twoIndices, 3, 0], // table.copy
  [15, 15, index, 2, 1], // table.grow
  [16, 16, index, 0, 1],
  [17, 17, index, 3, 0], // table.fill
];

/** Vector instructions (5.4.8), by the number behind 0xFD. Numbers left out are not assigned. */
const VECTOR: readonly Row[] = [
  [0, 10, memory, 1, 1],
  [11, 11, memory, 2, 0],
  [12, 12, Immediate.v128, 0, 1],
  [13, 13, Immediate.v128, 2, 1], // shuffle
  [14, 14, none, 2, 1],
  [15, 20, none, 1, 1], // splats
  [21, 22, lane, 1, 1],
  [23, 23, lane, 2, 1],
  [24, 25, lane, 1, 1],
  [26, 26, lane, 2, 1],
  [27, 27, lane, 1, 1],
  [28, 28, lane, 2, 1],
  [29, 29, lane, 1, 1],
  [30, 30, lane, 2, 1],
  [31, 31, lane, 1, 1],
  [32, 32, lane, 2, 1],
  [33, 33, lane, 1, 1],
  [34, 34, lane, 2, 1],
  [35, 76, none, 2, 1], // comparisons
  [77, 77, none, 1, 1],
  [78, 81, none, 2, 1],
  [82, 82, none, 3, 1],
  [83, 83, none, 1, 1],
  [84, 87, memoryAndLane, 2, 1],
  [88, 91, memoryAndLane, 2, 0],
  [92, 93, memory, 1, 1],
  [94, 100, none, 1, 1],
  [101, 102, none, 2, 1],
  [103, 106, none, 1, 1],
  [107, 115, none, 2, 1],
  [116, 117, none, 1, 1],
  [118, 121, none, 2, 1],
  [122, 122, none, 1, 1],
  [123, 123, none, 2, 1],
  [124, 129, none, 1, 1],
  [130, 130, none, 2, 1],
  [131, 132, none, 1, 1],
  [133, 134, none, 2, 1],
  [135, 138, none, 1, 1],
  [139, 147, none, 2, 1],
  [148, 148, none, 1, 1],
  [149, 153, none, 2, 1],
  [155, 155, none, 2, 1],
  [156, 159, none, 2, 1],
  [160, 161, none, 1, 1],
  [163, 164, none, 1, 1],
  [167, 170, none, 1, 1],
  [171, 174, none, 2, 1],
  [177, 177, none, 2, 1],
  [181, 186, none, 2, 1],
  [188, 191, none, 2, 1],
  [192, 193, none, 1, 1],
  [195, 196, none, 1, 1],
  [199, 202, none, 1, 1],
  [203, 206, none, 2, 1],
  [209, 209, none, 2, 1],
  [213, 223, none, 2, 1],
  [224, 225, none, 1, 1],
  [227, 227, none, 1, 1],
  [228, 235, none, 2, 1],
  [236, 237, none, 1, 1],
  [239, 239, none, 1, 1],
  [240, 247, none, 2, 1],
  [248, 255, none, 1, 1],
];

function lay(rows: readonly Row[], base: number): void {
  for (const [first, last, immediate, taken, given] of rows) {
    immediates.fill(immediate, base + first, base + last + 1);
    pops.fill(taken, base + first, base + last + 1);
    pushes.fill(given, base + first, base + last + 1);
  }
}

lay(PLAIN, 0);
lay(BULK, 0x100);
lay(VECTOR, 0x200);

/** Names what is refused by the proposal it belongs to, for the message to the author. */
export function refusedFeature(op: number, sub: number): string {
  if (op === 0xfe) return 'threads';
  if (op === PREFIX_FD && sub >= 0x100) return 'relaxed SIMD';
  if (op === 0xfb || (op >= 0xd3 && op <= 0xd6)) return 'garbage collection';
  if (op === 0x12 || op === 0x13 || op === 0x15) return 'tail calls';
  if (op === 0x14) return 'typed function references';
  if ((op >= 0x06 && op <= 0x0a) || op === 0x18 || op === 0x19 || op === 0x1f) return 'exceptions';
  return `instruction 0x${op.toString(16)} ${sub}`;
}
