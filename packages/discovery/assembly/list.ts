/**
 * Sorted lists of u64: distance bits << 32 | slot << 1 | expanded. One comparison orders by
 * distance, then by slot, and the lowest bit marks what a search has already walked from.
 */

@inline
export function keyOf(distance: f32, slot: u32): u64 {
  return (<u64>reinterpret<u32>(distance) << 32) | (<u64>slot << 1);
}

@inline
export function slotOf(key: u64): u32 {
  return <u32>(key & 0xffffffff) >> 1;
}

@inline
export function distanceOf(key: u64): f32 {
  return reinterpret<f32>(<u32>(key >> 32));
}

@inline
export function keyAt(list: usize, index: u32): u64 {
  return load<u64>(list + (<usize>index << 3));
}

@inline
export function setKey(list: usize, index: u32, key: u64): void {
  store<u64>(list + (<usize>index << 3), key);
}

/** Moves eight keys one place up. */
@inline
function shiftEight(at: usize): void {
  const a = v128.load(at);
  const b = v128.load(at, 16);
  const c = v128.load(at, 32);
  const d = v128.load(at, 48);
  v128.store(at, a, 8);
  v128.store(at, b, 24);
  v128.store(at, c, 40);
  v128.store(at, d, 56);
}

/**
 * Inserts into a list of `size` keys that may hold `limit`; the last falls out of a full one.
 * Returns the place. The caller counts.
 */
@inline
export function insertKey(list: usize, size: u32, limit: u32, key: u64): u32 {
  let i: u32 = size < limit ? size : limit - 1;
  while (i >= 8 && keyAt(list, i - 8) > key) { i -= 8; shiftEight(list + (<usize>i << 3)); }
  while (i > 0) {
    const before = keyAt(list, i - 1);
    if (before <= key) break;
    setKey(list, i, before);
    i--;
  }
  setKey(list, i, key);
  return i;
}
