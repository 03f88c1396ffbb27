import {
  buildBreadth, chosenAt, entry, fan, hasBit, keptAt, LEVEL_MAX, linked, linksOf, poolAt,
  removedAt, setEntry, setLinked, setUpperUsed, topLevel, towerOf, upperCapacity, upperUsed,
  vectorOf, workAt,
} from './arena';
import { distanceBetween, setQuery } from './distance';
import { distanceOf, insertKey, keyAt, keyOf, setKey, slotOf } from './list';
import { descendTo, nearDistance, nearSlot, poolSize, walkLevel } from './walk';

/**
 * Links the next slot into the graph: insertion of HNSW (Malkov and Yashunin 2018, algorithms 1
 * and 4). A slot that was removed before its turn is passed over and never reached.
 */
export function linkNext(): void {
  const slot = linked;
  setLinked(slot + 1);
  store<u32>(linksOf(slot, 0), 0);
  store<u32>(towerOf(slot), 0);
  if (hasBit(removedAt, slot)) return;
  const level = raise(slot);
  if (topLevel < 0) { setEntry(slot, level); return; }
  setQuery(vectorOf(slot));
  descendTo(level);
  let near = nearSlot;
  let distance = nearDistance;
  for (let at = min<i32>(level, topLevel); at >= 0; at--) {
    walkLevel(near, distance, buildBreadth, at);
    near = slotOf(keyAt(poolAt, 0));
    distance = distanceOf(keyAt(poolAt, 0));
    connect(slot, at);
  }
  if (level > topLevel) setEntry(slot, level);
}

/**
 * Gives a slot its level: P(level ≥ l) = fan^-l, from a hash of the slot, so that the same
 * vectors in the same order make the same graph everywhere. fan is a power of two.
 */
function raise(slot: u32): i32 {
  let hash = (slot + 1) * 0x9e3779b1;
  hash = (hash ^ (hash >> 16)) * 0x85ebca6b;
  hash = (hash ^ (hash >> 13)) * 0xc2b2ae35;
  hash ^= hash >> 16;
  let level = min<u32>(ctz<u32>(hash) / ctz<u32>(fan), LEVEL_MAX);
  level = min<u32>(level, upperCapacity - upperUsed);
  store<u32>(towerOf(slot), (upperUsed << 4) | level);
  setUpperUsed(upperUsed + level);
  for (let at: u32 = 1; at <= level; at++) store<u32>(linksOf(slot, at), 0);
  return level;
}

/** Links a slot and the nearest of the pool both ways. */
function connect(slot: u32, level: u32): void {
  const size = diversify(poolAt, poolSize, fan, keptAt);
  const links = linksOf(slot, level);
  store<u32>(links, size);
  for (let i: u32 = 0; i < size; i++) {
    const key = keyAt(keptAt, i);
    store<u32>(links + (<usize>(i + 1) << 2), slotOf(key));
    linkBack(slotOf(key), slot, distanceOf(key), level);
  }
}

/** Adds `slot` to the list of `owner`, thinning a full list out. */
function linkBack(owner: u32, slot: u32, distance: f32, level: u32): void {
  const links = linksOf(owner, level);
  const size = load<u32>(links);
  const limit: u32 = level == 0 ? 2 * fan : fan;
  if (size < limit) {
    store<u32>(links + (<usize>(size + 1) << 2), slot);
    store<u32>(links, size + 1);
    return;
  }
  setKey(workAt, 0, keyOf(distance, slot));
  for (let i: u32 = 1; i <= size; i++) {
    const other = load<u32>(links + (<usize>i << 2));
    insertKey(workAt, i, size + 1, keyOf(distanceBetween(owner, other), other));
  }
  const kept = diversify(workAt, size + 1, limit, chosenAt);
  store<u32>(links, kept);
  for (let i: u32 = 0; i < kept; i++) {
    store<u32>(links + (<usize>(i + 1) << 2), slotOf(keyAt(chosenAt, i)));
  }
}

/** Keeps those that are nearer to the owner than to any one kept before: links that spread. */
function diversify(source: usize, size: u32, limit: u32, target: usize): u32 {
  let kept: u32 = 0;
  for (let i: u32 = 0; i < size && kept < limit; i++) {
    const key = keyAt(source, i);
    if (!isShadowed(key, target, kept)) { setKey(target, kept, key); kept++; }
  }
  return kept;
}

@inline
function isShadowed(key: u64, kept: usize, size: u32): bool {
  const slot = slotOf(key);
  const distance = distanceOf(key);
  for (let i: u32 = 0; i < size; i++) {
    if (distanceBetween(slot, slotOf(keyAt(kept, i))) < distance) return true;
  }
  return false;
}
