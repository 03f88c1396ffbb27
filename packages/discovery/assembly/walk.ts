import {
  allowedAt, batchAt, batchDistancesAt, capacity, dims, entry, foundAt, hasBit, inverseOf, linksOf, poolAt,
  topLevel, vectorOf, visitedAt,
} from './arena';
import { distanceToQuery, measureBatch } from './distance';
import { distanceOf, insertKey, keyAt, keyOf, setKey, slotOf } from './list';

/** Sizes of the lists the last walk left at `poolAt` and `foundAt`. */
export let poolSize: u32 = 0;
export let foundSize: u32 = 0;

/** Where the last descent ended. */
export let nearSlot: u32 = 0;
export let nearDistance: f32 = 0;

let epoch: u32 = 0;

/** What was touched ahead of its use; kept so that the loads are not optimised away. */
export let touched: u32 = 0;

/** Starts the cache misses of a vector now, so that those of a whole batch overlap. */
@inline
export function touchVector(slot: u32): void {
  const vector = vectorOf(slot);
  touched ^= <u32>load<u8>(inverseOf(slot));
  for (let line: usize = 0; line < dims; line += 64) touched ^= load<u8>(vector + line);
}

/** The same for the list of the slot that is likely to be walked from next. */
@inline
function touchLinks(slot: u32, level: u32): void {
  const links = linksOf(slot, level);
  touched ^= load<u8>(links) ^ load<u8>(links, 64);
}

/** Starts a fresh set of visited slots without clearing it, but once in 65 535 times. */
function nextEpoch(): void {
  epoch++;
  if (epoch <= 65535) return;
  epoch = 1;
  memory.fill(visitedAt, 0, 2 * <usize>capacity);
}

export function forgetVisits(): void {
  epoch = 0;
  memory.fill(visitedAt, 0, 2 * <usize>capacity);
}

/** True the first time a slot is met in this walk. */
@inline
function visit(slot: u32): bool {
  const at = visitedAt + (<usize>slot << 1);
  if (load<u16>(at) == <u16>epoch) return false;
  store<u16>(at, <u16>epoch);
  return true;
}

/** Greedy descent from the entry to the level above `floor`. */
export function descendTo(floor: i32): void {
  let slot = entry;
  let distance = distanceToQuery(slot);
  for (let level = topLevel; level > floor; level--) {
    let moved = true;
    while (moved) {
      moved = false;
      const links = linksOf(slot, level);
      const size = load<u32>(links);
      for (let i: u32 = 1; i <= size; i++) {
        const other = load<u32>(links + (<usize>i << 2));
        const near = distanceToQuery(other);
        if (near >= distance) continue;
        distance = near;
        slot = other;
        moved = true;
      }
    }
  }
  nearSlot = slot;
  nearDistance = distance;
}

/** Puts the slots of a list that were not met before into the batch and measures them. */
@inline
function measureFresh(links: usize): u32 {
  const degree = load<u32>(links);
  let fresh: u32 = 0;
  for (let i: u32 = 1; i <= degree; i++) {
    const other = load<u32>(links + (<usize>i << 2));
    if (!visit(other)) continue;
    store<u32>(batchAt + (<usize>fresh << 2), other);
    touchVector(other);
    fresh++;
  }
  measureBatch(fresh);
  return fresh;
}

/** Best-first walk at one level; leaves the `breadth` nearest in the pool. */
export function walkLevel(start: u32, startDistance: f32, breadth: u32, level: u32): void {
  nextEpoch();
  visit(start);
  setKey(poolAt, 0, keyOf(startDistance, start));
  let size: u32 = 1;
  let worst = startDistance;
  let current: u32 = 0;
  while (current < size) {
    const key = keyAt(poolAt, current);
    if (key & 1) { current++; continue; }
    setKey(poolAt, current, key | 1);
    let next = current + 1;
    if (next < size) touchLinks(slotOf(keyAt(poolAt, next)), level);
    const fresh = measureFresh(linksOf(slotOf(key), level));
    for (let i: u32 = 0; i < fresh; i++) {
      const other = load<u32>(batchAt + (<usize>i << 2));
      const distance = load<f32>(batchDistancesAt + (<usize>i << 2));
      if (size == breadth && distance >= worst) continue;
      const place = insertKey(poolAt, size, breadth, keyOf(distance, other));
      if (size < breadth) size++;
      worst = distanceOf(keyAt(poolAt, size - 1));
      if (place < next) next = place;
    }
    current = next;
  }
  poolSize = size;
}

@inline
function collect(slot: u32, distance: f32, limit: u32): void {
  if (!hasBit(allowedAt, slot)) return;
  if (foundSize == limit && distance >= distanceOf(keyAt(foundAt, limit - 1))) return;
  insertKey(foundAt, foundSize, limit, keyOf(distance, slot));
  if (foundSize < limit) foundSize++;
}

/** The same walk at level 0; every allowed slot it meets competes for the `limit` found. */
export function walkFiltered(start: u32, startDistance: f32, breadth: u32, limit: u32): void {
  nextEpoch();
  visit(start);
  foundSize = 0;
  collect(start, startDistance, limit);
  setKey(poolAt, 0, keyOf(startDistance, start));
  let size: u32 = 1;
  let worst = startDistance;
  let current: u32 = 0;
  while (current < size) {
    const key = keyAt(poolAt, current);
    if (key & 1) { current++; continue; }
    setKey(poolAt, current, key | 1);
    let next = current + 1;
    if (next < size) touchLinks(slotOf(keyAt(poolAt, next)), 0);
    const fresh = measureFresh(linksOf(slotOf(key), 0));
    for (let i: u32 = 0; i < fresh; i++) {
      const other = load<u32>(batchAt + (<usize>i << 2));
      const distance = load<f32>(batchDistancesAt + (<usize>i << 2));
      collect(other, distance, limit);
      if (size == breadth && distance >= worst) continue;
      const place = insertKey(poolAt, size, breadth, keyOf(distance, other));
      if (size < breadth) size++;
      worst = distanceOf(keyAt(poolAt, size - 1));
      if (place < next) next = place;
    }
    current = next;
  }
  poolSize = size;
}

export function clearFound(): void { foundSize = 0; }
export function setFoundSize(size: u32): void { foundSize = size; }

/** Lets a slot compete for the `limit` found. */
@inline
export function offerFound(slot: u32, distance: f32, limit: u32): void {
  if (foundSize == limit && distance >= distanceOf(keyAt(foundAt, limit - 1))) return;
  insertKey(foundAt, foundSize, limit, keyOf(distance, slot));
  if (foundSize < limit) foundSize++;
}

/** Lets the first `size` slots of the batch compete for the `limit` found. */
export function offerBatch(size: u32, limit: u32): void {
  measureBatch(size);
  for (let i: u32 = 0; i < size; i++) {
    const at = <usize>i << 2;
    offerFound(load<u32>(batchAt + at), load<f32>(batchDistancesAt + at), limit);
  }
}
