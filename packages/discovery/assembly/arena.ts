/**
 * The arena: every byte the engine owns, at addresses fixed by `layOut`. First what depends on
 * the capacity only (scratch, bitmaps, upper links), then segments of 1 024 slots that are added
 * as vectors come, so that a small index is small and growing moves nothing.
 *
 * A segment holds, for its 1 024 slots, one after the other: vectors (dims bytes each), inverse
 * lengths (f32), towers (u32: first upper list << 4 | level) and level-0 lists (u32 count and
 * 2·fan ids each). An upper list is a u32 count and fan ids; a slot's lists are neighbours.
 */

export const SEGMENT_BITS: u32 = 10;
export const SEGMENT_SLOTS: u32 = 1 << SEGMENT_BITS;
const SEGMENT_MASK: u32 = SEGMENT_SLOTS - 1;
export const BREADTH_MAX: u32 = 4096;
export const RESULTS_MAX: u32 = 4096;
export const LEVEL_MAX: u32 = 12;
const PAGE_BYTES: usize = 65536;

export let capacity: u32 = 0;
export let dims: u32 = 0;
export let fan: u32 = 0;
export let buildBreadth: u32 = 0;
export let upperCapacity: u32 = 0;
export let segmentBytes: usize = 0;

/** Slots given out; slots in the graph's reach; where a graph search starts, and at what level. */
export let count: u32 = 0;
export let linked: u32 = 0;
export let entry: u32 = 0;
export let topLevel: i32 = -1;
export let upperUsed: u32 = 0;

export let inputAt: usize = 0;
export let queryAt: usize = 0;
export let outputAt: usize = 0;
export let poolAt: usize = 0;
export let foundAt: usize = 0;
export let workAt: usize = 0;
export let chosenAt: usize = 0;
export let keptAt: usize = 0;
export let batchAt: usize = 0;
export let batchDistancesAt: usize = 0;
export let visitedAt: usize = 0;
export let allowedAt: usize = 0;
export let removedAt: usize = 0;
export let upperAt: usize = 0;
export let segmentsAt: usize = 0;

let inverseIn: usize = 0;
let towerIn: usize = 0;
let linksIn: usize = 0;

@inline
function aligned(address: usize): usize {
  return (address + 63) & ~63;
}

/** Decides every address. The host has checked the arguments' ranges. */
export function layOut(capacity_: u32, dims_: u32, fan_: u32, buildBreadth_: u32): bool {
  capacity = capacity_;
  dims = dims_;
  fan = fan_;
  buildBreadth = buildBreadth_;
  // A level-l tower has probability fan^-l; a quarter more than the mean, then towers are cut.
  upperCapacity = (capacity / fan) * 5 / 4 + 64;
  const bitmapBytes = <usize>((capacity + 63) >> 6) << 3;
  let at = aligned(__heap_base);
  inputAt = at; at = aligned(at + dims);
  queryAt = at; at = aligned(at + 2 * dims);
  outputAt = at; at = aligned(at + 12 * RESULTS_MAX);
  poolAt = at; at = aligned(at + 8 * BREADTH_MAX);
  foundAt = at; at = aligned(at + 8 * RESULTS_MAX);
  workAt = at; at = aligned(at + 8 * (2 * fan + 2));
  chosenAt = at; at = aligned(at + 8 * (2 * fan + 2));
  keptAt = at; at = aligned(at + 8 * (2 * fan + 2));
  batchAt = at; at = aligned(at + 4 * (2 * fan + 64));
  batchDistancesAt = at; at = aligned(at + 4 * (2 * fan + 64));
  visitedAt = at; at = aligned(at + 2 * <usize>capacity);
  allowedAt = at; at = aligned(at + bitmapBytes);
  removedAt = at; at = aligned(at + bitmapBytes);
  upperAt = at; at = aligned(at + <usize>upperCapacity * upperListBytes());
  segmentsAt = at;
  inverseIn = <usize>SEGMENT_SLOTS * dims;
  towerIn = inverseIn + SEGMENT_SLOTS * 4;
  linksIn = towerIn + SEGMENT_SLOTS * 4;
  segmentBytes = linksIn + <usize>SEGMENT_SLOTS * groundListBytes();
  return reserve(segmentsAt);
}

/** Makes memory reach `end`; false when the host refuses to grow it. */
function reserve(end: usize): bool {
  const pages = <i32>((end + PAGE_BYTES - 1) / PAGE_BYTES);
  const missing = pages - memory.size();
  return missing <= 0 || memory.grow(missing) >= 0;
}

/** Makes room for `slots` slots. */
export function reserveSlots(slots: u32): bool {
  const segments = (slots + SEGMENT_MASK) >> SEGMENT_BITS;
  return reserve(segmentsAt + <usize>segments * segmentBytes);
}

export function setCount(value: u32): void { count = value; }
export function setLinked(value: u32): void { linked = value; }
export function setUpperUsed(value: u32): void { upperUsed = value; }
export function setEntry(slot: u32, level: i32): void { entry = slot; topLevel = level; }

@inline
export function groundListBytes(): usize { return <usize>(2 * fan + 1) << 2; }
@inline
export function upperListBytes(): usize { return <usize>(fan + 1) << 2; }

@inline
function segmentOf(slot: u32): usize {
  return segmentsAt + <usize>(slot >> SEGMENT_BITS) * segmentBytes;
}

@inline
export function vectorOf(slot: u32): usize {
  return segmentOf(slot) + <usize>(slot & SEGMENT_MASK) * dims;
}

@inline
export function inverseOf(slot: u32): usize {
  return segmentOf(slot) + inverseIn + (<usize>(slot & SEGMENT_MASK) << 2);
}

@inline
export function towerOf(slot: u32): usize {
  return segmentOf(slot) + towerIn + (<usize>(slot & SEGMENT_MASK) << 2);
}

/** The neighbour list of a slot at a level it reaches. */
@inline
export function linksOf(slot: u32, level: u32): usize {
  if (level == 0) {
    return segmentOf(slot) + linksIn + <usize>(slot & SEGMENT_MASK) * groundListBytes();
  }
  return upperAt + <usize>((load<u32>(towerOf(slot)) >> 4) + level - 1) * upperListBytes();
}

@inline
export function hasBit(bitmap: usize, slot: u32): bool {
  return (load<u8>(bitmap + (slot >> 3)) & (<u8>1 << <u8>(slot & 7))) != 0;
}
