/**
 * What the host may call. Every argument is checked here: inside, the engine trusts itself.
 * Vectors and queries go in at `inputAddress` as int8; answers come out at `outputAddress` as
 * records of (slot u32, dot product i32, squared length i32). Before a search the set of allowed
 * slots goes in at `allowedAddress`, whole 64-bit words up to the count, and `allow` is called.
 */
import * as arena from './arena';
import { checksumOf, findFault } from './checks';
import { distanceToQuery, dotQuery, dotStored, inverse, setQuery } from './distance';
import { keyAt, slotOf } from './list';
import { linkNext } from './build';
import * as walk from './walk';

/** Vectors of a scan whose cache misses overlap; the batch has room for 64 and more. */
const SCAN_BATCH: u32 = 32;
/** Allowed slots of 64 up to which a scan goes by batches. */
const SCATTERED_MAX: u64 = 24;

export function configure(capacity: u32, dims: u32, fan: u32, buildBreadth: u32): bool {
  if (capacity == 0 || capacity > 1 << 24 || dims == 0 || dims % 16 != 0 || dims > 4096) return false;
  if (popcnt<u32>(fan) != 1 || fan < 4 || fan > 64) return false;
  if (buildBreadth < fan || buildBreadth > arena.BREADTH_MAX) return false;
  if (arena.capacity != 0) return false;
  return arena.layOut(capacity, dims, fan, buildBreadth);
}

export function inputAddress(): usize { return arena.inputAt; }
export function outputAddress(): usize { return arena.outputAt; }
export function allowedAddress(): usize { return arena.allowedAt; }
export function removedAddress(): usize { return arena.removedAt; }
export function upperAddress(): usize { return arena.upperAt; }
export function segmentsAddress(): usize { return arena.segmentsAt; }
export function segmentBytes(): usize { return arena.segmentBytes; }
export function upperListBytes(): usize { return arena.upperListBytes(); }
/** Where a slot's vector is; 0 for a slot that was never given out. */
export function vectorAddress(slot: u32): usize {
  return slot < arena.count ? arena.vectorOf(slot) : 0;
}
export function count(): u32 { return arena.count; }
export function linked(): u32 { return arena.linked; }
export function entry(): u32 { return arena.entry; }
export function topLevel(): i32 { return arena.topLevel; }
export function upperUsed(): u32 { return arena.upperUsed; }

/** Stores the vector at the input and returns its slot; -1 when full, -2 when out of memory. */
export function add(): i32 {
  const slot = arena.count;
  if (slot >= arena.capacity) return -1;
  if (!arena.reserveSlots(slot + 1)) return -2;
  const vector = arena.vectorOf(slot);
  memory.copy(vector, arena.inputAt, arena.dims);
  store<f32>(arena.inverseOf(slot), inverse(dotStored(vector, vector)));
  arena.setCount(slot + 1);
  return slot;
}

export function remove(slot: u32): void {
  if (slot >= arena.count) return;
  const at = arena.removedAt + (slot >> 3);
  store<u8>(at, load<u8>(at) | (<u8>1 << <u8>(slot & 7)));
}

/** Links up to `limit` further slots and returns how many. */
export function link(limit: u32): u32 {
  let done: u32 = 0;
  while (done < limit && arena.linked < arena.count) { linkNext(); done++; }
  return done;
}

/** Takes removed slots out of the allowed set and returns how many are left. */
export function allow(): u32 {
  let left: u32 = 0;
  const bytes = <usize>((arena.count + 63) >> 6) << 3;
  for (let i: usize = 0; i < bytes; i += 8) {
    const at = arena.allowedAt + i;
    const bits = load<u64>(at) & ~load<u64>(arena.removedAt + i);
    store<u64>(at, bits);
    left += <u32>popcnt<u64>(bits);
  }
  return left;
}

/** The exact nearest of the allowed slots from `from` on, for the query at the input. */
export function scan(k: u32, from: u32): u32 {
  if (k == 0 || k > arena.RESULTS_MAX) return 0;
  setQuery(arena.inputAt);
  walk.clearFound();
  let batched: u32 = 0;
  const words = (arena.count + 63) >> 6;
  for (let word = from >> 6; word < words; word++) {
    let bits = load<u64>(arena.allowedAt + (<usize>word << 3));
    if (word == from >> 6) bits &= ~<u64>0 << <u64>(from & 63);
    // A processor foresees neighbours by itself; slots far apart it must be told of early.
    const scattered = popcnt<u64>(bits) <= SCATTERED_MAX;
    while (bits != 0) {
      const slot = (word << 6) + <u32>ctz<u64>(bits);
      bits &= bits - 1;
      if (slot >= arena.count) break;
      if (!scattered) { walk.offerFound(slot, distanceToQuery(slot), k); continue; }
      store<u32>(arena.batchAt + (<usize>batched << 2), slot);
      walk.touchVector(slot);
      batched++;
      if (batched == SCAN_BATCH) { walk.offerBatch(batched, k); batched = 0; }
    }
  }
  walk.offerBatch(batched, k);
  return emit(arena.foundAt, walk.foundSize);
}

/** About the nearest of the allowed linked slots: every one met while walking competes. */
export function searchFiltered(k: u32, breadth: u32): u32 {
  if (!canWalk(k, breadth)) return 0;
  walk.walkFiltered(walk.nearSlot, walk.nearDistance, breadth, k);
  return emit(arena.foundAt, walk.foundSize);
}

/** The same when nearly all slots are allowed: the pool itself is the answer, less the others. */
export function search(k: u32, breadth: u32): u32 {
  if (!canWalk(k, breadth)) return 0;
  walk.walkLevel(walk.nearSlot, walk.nearDistance, breadth, 0);
  walk.clearFound();
  for (let i: u32 = 0; i < walk.poolSize && walk.foundSize < k; i++) {
    const key = keyAt(arena.poolAt, i);
    if (!arena.hasBit(arena.allowedAt, slotOf(key))) continue;
    store<u64>(arena.foundAt + (<usize>walk.foundSize << 3), key);
    walk.setFoundSize(walk.foundSize + 1);
  }
  return emit(arena.foundAt, walk.foundSize);
}

function canWalk(k: u32, breadth: u32): bool {
  if (k == 0 || k > arena.RESULTS_MAX || breadth == 0 || breadth > arena.BREADTH_MAX) return false;
  if (arena.topLevel < 0) return false;
  setQuery(arena.inputAt);
  walk.descendTo(0);
  return true;
}

/** Fills in the figures of `size` slots that the host wrote into the output records. */
export function measure(size: u32): void {
  setQuery(arena.inputAt);
  for (let i: u32 = 0; i < min(size, arena.RESULTS_MAX); i++) writeFigures(i);
}

function emit(list: usize, size: u32): u32 {
  for (let i: u32 = 0; i < size; i++) {
    store<u32>(arena.outputAt + <usize>i * 12, slotOf(keyAt(list, i)));
    writeFigures(i);
  }
  return size;
}

@inline
function writeFigures(index: u32): void {
  const at = arena.outputAt + <usize>index * 12;
  const slot = load<u32>(at);
  if (slot >= arena.count) return;
  const vector = arena.vectorOf(slot);
  store<i32>(at, dotQuery(vector), 4);
  store<i32>(at, dotStored(vector, vector), 8);
}

/** Makes room for a snapshot of these figures, whose bytes the host then copies in. */
export function restore(count: u32, linked: u32, entry: u32, topLevel: i32, upperUsed: u32): bool {
  if (arena.count != 0 || count > arena.capacity || upperUsed > arena.upperCapacity) return false;
  if (!arena.reserveSlots(count)) return false;
  arena.setCount(count);
  arena.setLinked(linked);
  arena.setEntry(entry, topLevel);
  arena.setUpperUsed(upperUsed);
  walk.forgetVisits();
  return true;
}

export function fault(): u32 { return findFault(); }

export function checksum(address: usize, length: usize, seed: u64): u64 {
  return checksumOf(address, length, seed);
}
