import {
  count, entry, fan, LEVEL_MAX, linked, linksOf, topLevel, towerOf, upperUsed,
} from './arena';

/**
 * Looks at every link of a graph that came from outside: a walk must never leave the arena.
 * 0 is sound; else what is wrong: 1 figures, 2 entry, 3 tower, 4 list length, 5 link target.
 */
export function findFault(): u32 {
  if (linked > count || topLevel > <i32>LEVEL_MAX) return 1;
  if (topLevel >= 0 && (entry >= linked || levelOf(entry) != <u32>topLevel)) return 2;
  for (let slot: u32 = 0; slot < linked; slot++) {
    const level = levelOf(slot);
    if (level > LEVEL_MAX || (load<u32>(towerOf(slot)) >> 4) + level > upperUsed) return 3;
    for (let at: u32 = 0; at <= level; at++) {
      const fault = listFault(linksOf(slot, at), at);
      if (fault != 0) return fault;
    }
  }
  return 0;
}

@inline
function levelOf(slot: u32): u32 {
  return load<u32>(towerOf(slot)) & 15;
}

@inline
function listFault(links: usize, level: u32): u32 {
  const size = load<u32>(links);
  if (size > (level == 0 ? 2 * fan : fan)) return 4;
  for (let i: u32 = 1; i <= size; i++) {
    const other = load<u32>(links + (<usize>i << 2));
    if (other >= linked) return 5;
    // Every slot reaches level 0: asking would only touch a hundred thousand towers at random.
    if (level > 0 && levelOf(other) < level) return 5;
  }
  return 0;
}

const P1: u64 = 0x9e3779b185ebca87;
const P2: u64 = 0xc2b2ae3d27d4eb4f;
const P3: u64 = 0x165667b19e3779f9;

@inline
function round(lane: u64, word: u64): u64 {
  return rotl<u64>(lane + word * P2, 31) * P1;
}

/**
 * A 64-bit checksum against accidents in the manner of xxHash: four lanes of 8 bytes, then what
 * is left by bytes. Not a defence against forgers; `findFault` is what keeps walks inside.
 */
export function checksumOf(address: usize, length: usize, seed: u64): u64 {
  let a = seed + P1;
  let b = seed ^ P2;
  let c = seed;
  let d = seed - P1;
  let at = address;
  const end = address + length;
  while (at + 32 <= end) {
    a = round(a, load<u64>(at));
    b = round(b, load<u64>(at, 8));
    c = round(c, load<u64>(at, 16));
    d = round(d, load<u64>(at, 24));
    at += 32;
  }
  let hash = rotl<u64>(a, 1) + rotl<u64>(b, 7) + rotl<u64>(c, 12) + rotl<u64>(d, 18);
  hash += <u64>length;
  while (at < end) { hash = rotl<u64>(hash ^ (<u64>load<u8>(at) * P3), 11) * P1; at++; }
  hash = (hash ^ (hash >> 33)) * P2;
  hash = (hash ^ (hash >> 29)) * P3;
  return hash ^ (hash >> 32);
}
